// A program's stdin, stdout and stderr, made for it: never a descriptor of a client's own.
#pragma once

#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// The supervisor's ends, non-blocking. With a terminal they are one: its master.
struct OurEnds {
  sys::Fd input;      // takes what the program reads; none: its stdin is /dev/null
  sys::Fd output[2];  // give what it writes to stdout and stderr
  sys::Fd terminal;
};

struct Stdio {
  OurEnds ours;
  /// The program's; none of them with a terminal, which is made inside the container.
  sys::Fd theirs[3];
};

/// Pipes as the plan asks for them, owned by the container's root, so that the program may open /dev/stdout, which reopens the pipe.
sys::Result<Stdio> make_stdio(const launch::Plan& plan);

}  // namespace berth::init
