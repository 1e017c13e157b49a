// The journal of an installation: numbered files of whole lines in `events/` below its root. Whoever does a thing appends what it was, with no lock that a
// process which was killed or stopped could keep: one O_APPEND write(2) for each, and a file that is full is followed by the next number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sys/result.h"

namespace berth::sys {

/// A file takes no new lines once it has this many bytes; the space is reserved when it is made, so that a full disk does not stop the telling.
constexpr uint64_t kJournalFileBytes = uint64_t{1} << 20;
/// With a further one the oldest goes.
constexpr uint64_t kJournalFiles = 4;
constexpr const char* kJournalFolder = "events";

/// Appends lines, the last with its newline too, to the journal below the directory `root`, which is made if it is missing. After an error none of it
/// may be there, or a part, which readers pass over.
Result<void> append_to_journal(int root, const char* lines, size_t size);

}  // namespace berth::sys
