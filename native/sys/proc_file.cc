#include "sys/proc_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <charconv>
#include <cstring>

namespace berth::sys {
namespace {

/// Calls `visit(type, name)` for each entry, through getdents64(2): no DIR to allocate for each of
/// thousands of folders.
template <typename Visit>
Result<void> each_entry(int directory, Visit&& visit) {
  if (lseek(directory, 0, SEEK_SET) < 0) return last_error("lseek");
  alignas(dirent64) char entries[8192];
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, entries, sizeof entries);
    if (length < 0) return last_error("getdents64");
    if (length == 0) return {};
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      visit(entry->d_type, entry->d_name);
      at += entry->d_reclen;
    }
  }
}

}  // namespace

Result<std::string_view> ProcText::fill(int file, bool many_records) {
  size_t filled = 0;
  for (;;) {
    const ssize_t length = retry_interrupted([&] {
      return pread(file, buffer_.data() + filled, buffer_.size() - filled,
                   static_cast<off_t>(filled));
    });
    if (length < 0) return last_error("pread");
    filled += static_cast<size_t>(length);
    const bool full = filled == buffer_.size();
    // One record comes whole in one read if it fits, and asking again would cost a system call for
    // each file.
    if (length == 0 || (!many_records && !full)) return std::string_view(buffer_.data(), filled);
    if (full) buffer_.resize(buffer_.size() * 2);
  }
}

Result<std::string_view> ProcText::read(int directory, const char* name) {
  BERTH_ASSIGN(const Fd file, adopt(openat(directory, name, O_RDONLY | O_CLOEXEC), "openat"));
  return fill(file.get(), false);
}

Result<std::string_view> ProcText::read_list(int directory, const char* name) {
  BERTH_ASSIGN(const Fd file, adopt(openat(directory, name, O_RDONLY | O_CLOEXEC), "openat"));
  return fill(file.get(), true);
}

Result<std::vector<pid_t>> numbered_entries(int directory) {
  std::vector<pid_t> numbers;
  BERTH_TRY(each_entry(directory, [&](unsigned char, const char* name) {
    pid_t number = 0;
    const char* end = name + strlen(name);
    if (std::from_chars(name, end, number).ptr == end) numbers.push_back(number);
  }));
  return numbers;
}

Result<std::vector<std::string>> folder_names(int directory) {
  std::vector<std::string> names;
  BERTH_TRY(each_entry(directory, [&](unsigned char type, const char* name) {
    if (type == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
      names.emplace_back(name);
  }));
  return names;
}

Result<Fd> open_folder(int directory, const char* name) {
  return adopt(openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat");
}

}  // namespace berth::sys
