#include "sys/process.h"

#include <cstring>

#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::sys {

Result<uint64_t> start_time(int proc, pid_t pid) {
  const int number = openat(proc, Text<32>(pid, "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) return Error{errno == ENOENT ? ESRCH : errno, "open"};
  const Fd file(number);
  char text[1024];
  const ssize_t length = retry_interrupted([&] { return read(file.get(), text, sizeof text - 1); });
  if (length < 0) return last_error("read");
  text[length] = '\0';
  // The command name may hold spaces and parentheses; what follows its last ')' starts with field 3.
  const char* cursor = strrchr(text, ')');
  for (int field = 2; field < 22 && cursor != nullptr; ++field) {
    cursor = strchr(cursor + 1, ' ');
  }
  if (cursor == nullptr) return Error{EPROTO, "read"};
  return leading_number(cursor + 1);
}

Result<Fd> open_process(int proc, pid_t pid, uint64_t started) {
  BERTH_ASSIGN(Fd pidfd, adopt(kernel::pidfd_open(pid, 0), "pidfd_open"));
  // Read after opening: from here on the pidfd stays with the process that had this start time.
  BERTH_ASSIGN(const uint64_t found, start_time(proc, pid));
  if (found != started) return Error{ESRCH, "pidfd_open"};
  return pidfd;
}

}  // namespace berth::sys
