// What is written is on the disk: now, or found to be so later by a process of its own.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sys/result.h"

namespace berth::sys {

/// Puts files and folders on their disk (fdatasync(2)). The kernel begins with all of them before the first is waited for. What is not there any
/// more is passed over.
Result<void> sync_files(const std::vector<std::string>& paths);

/// No more files than that at once: each is a descriptor.
constexpr size_t kMostMarked = 128;

/// Gives files the mode `mark` once everything that is on their file system by now is on its disk (syncfs(2)). That is begun when the caller ends,
/// or soon, and done by a process which outlives the caller, holds none of its descriptors, and ends when it is done: the call itself waits for nothing.
/// A disk that fails, or that process being killed, leaves the modes as they are.
Result<void> mark_once_synced(const std::string& folder, const std::vector<std::string>& files,
                              mode_t mark);

}  // namespace berth::sys
