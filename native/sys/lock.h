// A lock on a file that dies with its holder (flock(2)).
#pragma once

#include "sys/fd.h"

namespace berth::sys {

enum class LockKind { kShared, kExclusive };

/// Opens `path`, made with mode 0600 if need be, and locks it. The lock belongs to the descriptor.
/// A holder may unlink the file: whoever waited for the old one starts again on a new one.
/// EWOULDBLOCK when it is held and `wait` is false.
Result<Fd> lock_file(const char* path, LockKind kind, bool wait);

}  // namespace berth::sys
