// Small files of /proc and cgroupfs, read whole, once or again and again through a kept descriptor.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace berth::sys {

/// Reads such files into one buffer that it keeps; each view lives until the next read.
class ProcText {
 public:
  /// What an open file of one record holds now, from its start.
  Result<std::string_view> read(int file) { return fill(file, false); }
  /// Opens `name` below `directory`, reads its one record and closes it.
  Result<std::string_view> read(int directory, const char* name);
  /// The same for a file of many records (cgroup.procs), which the kernel hands out a page at a
  /// time.
  Result<std::string_view> read_list(int directory, const char* name);

 private:
  Result<std::string_view> fill(int file, bool many_records);
  std::vector<char> buffer_ = std::vector<char>(4096);
};

/// The names below an open directory that are whole numbers: pids, tids, descriptors. Starts over
/// at each call.
Result<std::vector<pid_t>> numbered_entries(int directory);

/// The names of the folders below an open directory, without "." and "..".
Result<std::vector<std::string>> folder_names(int directory);

/// Opens a directory for reading its entries.
Result<Fd> open_folder(int directory, const char* name);

}  // namespace berth::sys
