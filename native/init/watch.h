// The life of a program that runs, and its end.
#pragma once

#include "init/birth.h"
#include "init/carrier.h"
#include "init/control.h"
#include "init/oom_watch.h"
#include "init/records.h"

namespace berth::init {

/// What is only worth its time beside a program that stays: most of those that end at once would otherwise wait for it.
struct OnceItStays {
  static constexpr int kMoment = 20;  // milliseconds that a program has to run for that
  void (*act)(void* self);
  void* self;
};

/// Carries what goes in and out and serves control until the program has ended and its output is delivered. SIGTERM and the like, sent to the supervisor, are the
/// program's: a supervisor has nothing else to end.
void watch(const Container& container, Control& control, Carrier& carrier, OomWatch* oom = nullptr,
           const OnceItStays* later = nullptr);

/// Collects the program, which has ended.
ExitStatus collect(const Container& container);

}  // namespace berth::init
