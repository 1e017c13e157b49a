// How berth's commands end (docs/reference/cli.md).
#pragma once

namespace berth::front {

constexpr int kRefused = 125;    // berth refused or failed
constexpr int kSignalled = 128;  // and the number of the signal

}  // namespace berth::front
