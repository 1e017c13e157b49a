// How a failed launch is told to its client.
#pragma once

#include "init/progress.h"
#include "sys/text.h"

namespace berth::init {

/// `failed {…}` (docs/reference/control-protocol.md). `cleanup` is what went wrong afterwards, an errno or 0.
sys::Text<3072> failure_line(const Failure& failure, int cleanup);

}  // namespace berth::init
