// Work that may block, on a thread of its own, answered through a promise: the event loop never waits for the kernel, and
// libuv's small pool is never filled by us.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "addon/error.h"
#include "addon/mailbox.h"
#include "sys/parked_threads.h"

namespace berth::addon {

/// What a job hands back: its value, or why it failed.
template <typename T>
using Outcome = std::variant<T, Failure>;

/// Runs `work` on another thread and resolves the returned promise with `convert(env, value)`, or rejects it with the Failure.
/// The process stays alive until the job is done. `work` must own all it touches.
template <typename T>
Napi::Value run_job(Napi::Env env, std::function<Outcome<T>()> work,
                    std::function<Napi::Value(Napi::Env, T&)> convert) {
  struct Job {
    Napi::Promise::Deferred deferred;
    std::function<Outcome<T>()> work;
    std::function<Napi::Value(Napi::Env, T&)> convert;
    std::optional<Outcome<T>> outcome;
  };
  auto job = std::make_shared<Job>(
      Job{Napi::Promise::Deferred::New(env), std::move(work), std::move(convert), {}});
  Mailbox& back = Mailbox::of(env);
  back.expect(env);
  const auto started = sys::ParkedThreads::shared().run([job, &back] {
    job->outcome.emplace(job->work());
    back.post([job, &back](Napi::Env loop) {
      back.done(loop);
      if (auto* value = std::get_if<T>(&*job->outcome)) {
        job->deferred.Resolve(job->convert(loop, *value));
      } else {
        job->deferred.Reject(to_js(loop, std::get<Failure>(*job->outcome)).Value());
      }
    });
  });
  if (!started) {
    back.done(env);
    job->deferred.Reject(to_js(env, Failure(started.error())).Value());
  }
  return job->deferred.Promise();
}

}  // namespace berth::addon
