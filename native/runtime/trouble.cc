#include "runtime/trouble.h"

#include <cstring>

namespace berth::runtime {

void fail(const std::string& what, const sys::Error& error) {
  throw Trouble(what + ": " + error.call + ": " + strerror(error.number));
}

void fail(const launch::Failure& failure) {
  std::string text;
  if (failure.code == "BAD_CONFIG") {
    text = failure.path;
  } else if (failure.code == "LIMIT_UNENFORCEABLE") {
    text = "limit of " + failure.path + " cannot be enforced: " + failure.step;
  } else {
    text = failure.step;
    if (!failure.path.empty()) text += " " + failure.path;
    if (!failure.syscall.empty()) text += ": " + failure.syscall;
    if (failure.number != 0) text += std::string(": ") + strerror(failure.number);
  }
  throw Trouble(text);
}

void fail(const launch::StepFailure& failure) {
  const std::string step = failure.step, call = failure.call, subject = failure.subject;
  if (step == "exec" && failure.number == ENOENT && call != "interpreter")
    throw Trouble("executable file `" + subject +
                  "` not found in $PATH: No such file or directory");
  if (step == "exec" && failure.number == EACCES)
    throw Trouble("executable file `" + subject + "`: Permission denied");
  if (step == "exec" && call == "interpreter")
    throw Trouble("executable file `" + subject +
                  "` names an interpreter that is missing: No such file or directory");
  if (step == "hook" && call == "waitpid")
    throw Trouble("hook " + subject + (failure.number == ETIMEDOUT ? " took too long" : " failed"));
  throw Trouble(step + (subject.empty() ? "" : " " + subject) + ": " + call + ": " +
                strerror(failure.number));
}

}  // namespace berth::runtime
