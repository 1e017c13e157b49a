#include <fcntl.h>
#include <napi.h>
#include <sys/wait.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/kernel.h"
#include "sys/process.h"

namespace berth::addon {
namespace {

sys::Result<void> signal_process(pid_t pid, uint64_t started, int signal) {
  BERTH_ASSIGN(const sys::Fd proc,
               sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const sys::Fd pidfd, sys::open_process(proc.get(), pid, started));
  if (sys::kernel::pidfd_send_signal(pidfd.get(), signal) != 0) {
    return sys::last_error("pidfd_send_signal");
  }
  return {};
}

void signal_call(const Napi::CallbackInfo& info) {
  const auto pid = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  const auto started = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  const int signal = info[2].As<Napi::Number>().Int32Value();
  if (auto outcome = signal_process(pid, started, signal); !outcome) {
    to_js(info.Env(), outcome.error()).ThrowAsJavaScriptException();
  }
}

Napi::Value reap_call(const Napi::CallbackInfo& info) {
  const auto pid = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  const auto work = [pid]() -> Outcome<bool> {
    // __WALL: a supervisor is cloned with no exit signal, so a plain wait does not see it (wait(2)).
    if (sys::retry_interrupted([&] { return waitpid(pid, nullptr, __WALL); }) < 0) {
      return Failure(sys::last_error("waitpid"));
    }
    return true;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool&) { return env.Undefined(); });
}

}  // namespace

void register_process(Napi::Object exports) {
  exports.Set("signalProcess", Napi::Function::New(exports.Env(), signal_call, "signalProcess"));
  exports.Set("reap", Napi::Function::New(exports.Env(), reap_call, "reap"));
}

}  // namespace berth::addon
