// Lines of an image's /etc/passwd or /etc/group, read as what they are: files that anybody may have written.
#pragma once

#include <cstddef>

#include "sys/fd.h"

namespace berth::init {

/// A missing file, or one that is no regular file (a FIFO would block, a device could be anything), has no lines. At most 1 MiB is read; longer
/// lines than the buffer are passed over.
class AccountFile {
 public:
  explicit AccountFile(const char* path);

  /// Splits the next line that has at least `count` colon-separated fields. The strings live until the next call.
  bool next(char** fields, size_t count);

 private:
  bool next_line(char*& line);

  sys::Fd file_;
  char buffer_[8192];
  size_t used_ = 0, start_ = 0, total_ = 0;
  bool skipping_ = false;
};

}  // namespace berth::init
