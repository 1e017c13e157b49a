#include <fcntl.h>
#include <napi.h>
#include <poll.h>
#include <sched.h>  // SCHED_OTHER

#include "addon/facilities.h"
#include "addon/job.h"
#include "launch/plan.h"
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

sys::Result<sys::Fd> copy_claim(pid_t pid, uint64_t started, int number) {
  BERTH_ASSIGN(const sys::Fd proc,
               sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const sys::Fd pidfd, sys::open_process(proc.get(), pid, started));
  return sys::adopt(sys::kernel::pidfd_getfd(pidfd.get(), number), "pidfd_getfd");
}

template <int number>
Napi::Value copy_claim_call(const Napi::CallbackInfo& info) {
  const auto pid = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  const auto started = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  auto claim = copy_claim(pid, started, number);
  if (!claim) {
    to_js(info.Env(), claim.error()).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), claim->release());
}

/// awaitEnd(pid, startTime, milliseconds): true once that process runs no more.
Napi::Value await_end_call(const Napi::CallbackInfo& info) {
  const auto pid = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  const auto started = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  const int patience = info[2].As<Napi::Number>().Int32Value();
  const auto work = [pid, started, patience]() -> Outcome<bool> {
    const sys::Fd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!proc) return Failure(sys::last_error("open"));
    auto pidfd = sys::open_process(proc.get(), pid, started);
    if (!pidfd && pidfd.error().number == ESRCH) return true;
    if (!pidfd) return Failure(pidfd.error());
    pollfd end = {pidfd->get(), POLLIN, 0};
    const int ready = sys::retry_interrupted([&] { return poll(&end, 1, patience); });
    if (ready < 0) return Failure(sys::last_error("poll"));
    return ready > 0;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool& ended) -> Napi::Value {
    return Napi::Boolean::New(env, ended);
  });
}

/// raiseThread(nice): of the calling thread alone, and of nothing that it makes.
void raise_thread_call(const Napi::CallbackInfo& info) {
  sys::kernel::SchedAttr attributes = {};
  attributes.size = sizeof attributes;
  attributes.policy = SCHED_OTHER;
  attributes.flags = sys::kernel::kSchedResetOnFork;
  attributes.nice = info[0].As<Napi::Number>().Int32Value();
  if (sys::kernel::sched_setattr(0, attributes) != 0)
    to_js(info.Env(), sys::last_error("sched_setattr")).ThrowAsJavaScriptException();
}

}  // namespace

void register_process(Napi::Object exports) {
  exports.Set("signalProcess", Napi::Function::New(exports.Env(), signal_call, "signalProcess"));
  exports.Set(
      "copyIdRangeClaim",
      Napi::Function::New(exports.Env(), copy_claim_call<launch::kIdRangeFd>, "copyIdRangeClaim"));
  exports.Set(
      "copyNetworkClaim",
      Napi::Function::New(exports.Env(), copy_claim_call<launch::kHeldFd>, "copyNetworkClaim"));
  exports.Set("raiseThread", Napi::Function::New(exports.Env(), raise_thread_call, "raiseThread"));
  exports.Set("awaitEnd", Napi::Function::New(exports.Env(), await_end_call, "awaitEnd"));
}

}  // namespace berth::addon
