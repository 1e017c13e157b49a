#include "init/account_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/defence.h"

namespace berth::init {

constexpr size_t kMostBytes = 1 << 20;

AccountFile::AccountFile(const char* path)
    : file_(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
  struct stat status;
  if (sys::holds("plain-account-files") && file_ &&
      (fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode)))
    file_.reset();
}

bool AccountFile::next_line(char*& line) {
  while (file_) {
    if (auto* end = static_cast<char*>(memchr(buffer_ + start_, '\n', used_ - start_))) {
      *end = '\0';
      line = buffer_ + start_;
      start_ = static_cast<size_t>(end - buffer_) + 1;
      if (!skipping_) return true;
      skipping_ = false;
      continue;
    }
    memmove(buffer_, buffer_ + start_, used_ - start_);
    used_ -= start_;
    start_ = 0;
    if (used_ == sizeof buffer_ - 1) {
      skipping_ = true;
      used_ = 0;
    }
    const ssize_t length = sys::retry_interrupted(
        [&] { return read(file_.get(), buffer_ + used_, sizeof buffer_ - 1 - used_); });
    if (length <= 0 || (total_ >= kMostBytes && sys::holds("short-account-files"))) {
      file_.reset();
      if (used_ == 0 || skipping_) return false;
      buffer_[used_] = '\0';
      line = buffer_;
      return true;
    }
    used_ += static_cast<size_t>(length);
    total_ += static_cast<size_t>(length);
  }
  return false;
}

bool AccountFile::next(char** fields, size_t count) {
  char* line = nullptr;
  while (next_line(line)) {
    if (strlen(line) == 0) continue;
    size_t found = 0;
    for (char* rest = line; found < count;) {
      fields[found++] = rest;
      rest = strchr(rest, ':');
      if (rest == nullptr) break;
      *rest++ = '\0';
    }
    if (found == count) return true;
  }
  return false;
}

}  // namespace berth::init
