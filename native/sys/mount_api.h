// The mount API of Linux 5.2 and later: a mount is made detached, given its attributes, and only then attached, by descriptor.
#pragma once

#include <cstdint>

#include "sys/fd.h"

namespace berth::sys {

struct FsParameter {
  const char* key;
  const char* value;  // empty for a flag
};

/// A new file system, not attached anywhere: fsopen, fsconfig for each parameter, fsmount. `source` may be empty. ENODEV: unknown type.
template <typename Parameters>
Result<Fd> new_filesystem(const char* type, const char* source, const Parameters& parameters,
                          uint64_t attributes);

/// A detached copy of the mount at `path`, with those below it if `recursive` (open_tree(2)).
Result<Fd> clone_tree(int directory, const char* path, bool recursive);

/// The same of an absolute path of which no component may be a symbolic link (ELOOP).
Result<Fd> clone_plain_tree(const char* path, bool recursive);

/// Sets and clears MOUNT_ATTR_* on a mount (mount_setattr(2)); with `userns` >= 0, maps its ids through that user namespace.
Result<void> set_attributes(int mount, uint64_t set, uint64_t clear, bool recursive,
                            int userns = -1);

/// Changes how mounts below a mount travel: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the mounts below it too; 0: as it is.
Result<void> set_propagation(int mount, uint64_t propagation);

/// Attaches a detached mount to the directory or file that `target` is.
Result<void> attach(int mount, int target);

/// The parts of new_filesystem().
Result<Fd> open_filesystem(const char* type);
Result<void> configure(int context, unsigned command, const char* key, const char* value);
Result<Fd> create_filesystem(int context, uint64_t attributes);

template <typename Parameters>
Result<Fd> new_filesystem(const char* type, const char* source, const Parameters& parameters,
                          uint64_t attributes) {
  BERTH_ASSIGN(const Fd context, open_filesystem(type));
  if (source[0] != '\0') BERTH_TRY(configure(context.get(), 1, "source", source));
  for (const auto& parameter : parameters) {
    BERTH_TRY(configure(context.get(), parameter.value[0] == '\0' ? 0 : 1, parameter.key,
                        parameter.value));
  }
  return create_filesystem(context.get(), attributes);
}

}  // namespace berth::sys
