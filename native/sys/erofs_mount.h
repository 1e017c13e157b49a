// EROFS images that berth itself has written, mounted from their files (Linux 6.12, CONFIG_EROFS_FS_BACKED_BY_FILE).
#pragma once

#include <string>

#include "sys/fd.h"
#include "sys/refusal.h"

namespace berth::sys {

/// Mounts `image` on the folder `target`, read-only, for all containers that will see it. It must be root's own, out of everybody else's
/// reach, and as large and of the identity (32 hexadecimal digits) that it was written with; BAD_IMAGE is refused else: a kernel that parses a
/// file system is no place for bytes of unknown origin.
Result<void> mount_image(const std::string& image, const std::string& target, uint64_t bytes,
                         const std::string& identity, Refusal& refusal);

/// Fails where that would, and leaves no mount.
Result<void> try_image(const std::string& image, const std::string& target, uint64_t bytes,
                       const std::string& identity, Refusal& refusal);

/// Takes every mount off `target`; whoever has files open there keeps them. None is no error.
Result<void> unmount_image(const std::string& target);

/// An image that is attached nowhere.
Result<Fd> detached_image(const std::string& source);

/// Can images that lie in `folder` be mounted? Leaves nothing there. The error is the kernel's.
Result<void> probe_images(const std::string& folder);

}  // namespace berth::sys
