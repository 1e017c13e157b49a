#include "addon/mailbox.h"

namespace berth::addon {

Mailbox& Mailbox::of(Napi::Env env) {
  auto* known = env.GetInstanceData<Mailbox*>();
  if (known == nullptr) {
    known = new Mailbox*(new Mailbox(env));
    env.SetInstanceData(known);
  }
  return **known;
}

Mailbox::Mailbox(Napi::Env env)
    : calls_(Napi::ThreadSafeFunction::New(env, Napi::Function(), "berth", 0, 1, [this](Napi::Env) {
        // Node then deletes what would be called, whoever still holds it.
        const std::lock_guard lock(mutex_);
        closed_ = true;
      })) {
  calls_.Unref(env);
}

void Mailbox::expect(Napi::Env env) {
  // One more that may call, so that what is called lives until the last has been told that the environment has ended.
  calls_.Acquire();
  if (expected_++ == 0) calls_.Ref(env);
}

void Mailbox::done(Napi::Env env) {
  nothing_more();
  stop_waiting(env);
}

void Mailbox::stop_waiting(Napi::Env env) {
  if (--expected_ == 0) calls_.Unref(env);
}

void Mailbox::nothing_more() { calls_.Release(); }

void Mailbox::post(std::function<void(Napi::Env)> deliver) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  const auto status = calls_.BlockingCall(
      [deliver = std::move(deliver)](Napi::Env env, Napi::Function) { deliver(env); });
  if (status != napi_ok) closed_ = true;
}

}  // namespace berth::addon
