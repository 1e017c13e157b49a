#include "init/failure_line.h"

namespace berth::init {
namespace {

/// JSON string content: what a path or command may hold and a line of text may not.
sys::Text<2048> escape(const char* from) {
  sys::Text<2048> to;
  for (; *from != '\0'; ++from) {
    const auto c = static_cast<unsigned char>(*from);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      constexpr char kDigits[] = "0123456789abcdef";
      to.add("\\u00");
      to.add(kDigits[c >> 4]);
      to.add(kDigits[c & 15]);
    } else {
      to.add(*from);
    }
  }
  return to;
}

}  // namespace

sys::Text<3072> failure_line(const Failure& failure, int cleanup) {
  return sys::Text<3072>("failed {\"step\":\"", failure.step, "\",\"errno\":", failure.number,
                         ",\"syscall\":\"", failure.call, "\",\"subject\":\"",
                         escape(failure.subject).c_str(), "\",\"cleanup_errno\":", cleanup, '}');
}

}  // namespace berth::init
