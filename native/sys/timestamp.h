// The wall clock as RFC 3339 text, in UTC.
#pragma once

#include "sys/text.h"

namespace berth::sys {

using Timestamp = Text<40>;

/// `2026-01-31T23:59:59.123Z`, with `digits` (1 to 9) behind the point.
Timestamp now(size_t digits);

}  // namespace berth::sys
