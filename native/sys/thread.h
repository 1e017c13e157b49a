// A thread that says when it cannot be had. std::thread throws then, and nothing here is built to catch.
#pragma once

#include <pthread.h>

#include <functional>
#include <memory>

#include "sys/result.h"

namespace berth::sys {

/// Runs `work` on a new thread, which the caller must join. EAGAIN: the limit of threads is reached (pthread_create(3)).
inline Result<pthread_t> start_thread(std::function<void()> work) {
  auto kept = std::make_unique<std::function<void()>>(std::move(work));
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<std::function<void()>> own(static_cast<std::function<void()>*>(argument));
    (*own)();
    return nullptr;
  };
  if (const int error = pthread_create(&thread, nullptr, run, kept.get()); error != 0)
    return Error{error, "pthread_create"};
  (void)kept.release();
  return thread;
}

}  // namespace berth::sys
