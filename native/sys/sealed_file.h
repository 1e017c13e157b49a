// Files in memory that nobody can change any more (memfd_create(2), fcntl(2) F_ADD_SEALS).
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "sys/fd.h"

namespace berth::sys {

/// A sealed copy of `size` bytes. Read from its start by whoever gets the descriptor.
Result<Fd> sealed_file(const char* name, const void* bytes, size_t size, mode_t mode);

/// A program to be executed from memory: a sealed copy of the file at `path`, executable but not readable (mode 0111), so that the kernel treats every process that
/// runs it as undumpable whatever its user namespace. Where the host forbids executing from memory (vm.memfd_noexec=2), the file itself.
Result<Fd> sealed_program(const char* path);

/// The file that `running` leads to (/proc/PID/exe) if it is what sealed_program() would make of the file `source` now: sealed for good, with the same bytes, this
/// user's own and unreadable. Processes that run one file share its pages. ENOEXEC: it is anything else.
Result<Fd> same_program(const char* running, int source);

}  // namespace berth::sys
