// How other threads call into JavaScript: one way for all of them, which keeps the process alive while something is on its way.
#pragma once

#include <napi.h>

#include <functional>
#include <mutex>

namespace berth::addon {

class Mailbox {
 public:
  /// Of this environment; made on first use. It outlives the environment, since threads may still hold it then.
  static Mailbox& of(Napi::Env env);

  /// From JavaScript's thread, before somebody else posts; each is matched by one `done`.
  void expect(Napi::Env env);
  void done(Napi::Env env);
  /// The same in two steps: the process waits no longer for who may still post, and later on nobody does.
  void stop_waiting(Napi::Env env);
  void nothing_more();

  /// From any thread: `deliver` runs on JavaScript's. After the environment's end nothing is delivered.
  void post(std::function<void(Napi::Env)> deliver);

 private:
  explicit Mailbox(Napi::Env env);

  Napi::ThreadSafeFunction calls_;
  size_t expected_ = 0;
  std::mutex mutex_;  // no call while the environment ends
  bool closed_ = false;
};

}  // namespace berth::addon
