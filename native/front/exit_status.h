// How berth's commands end (docs/reference/cli.md).
#pragma once

namespace berth::front {

constexpr int kRefused = 125;     // berth refused or failed
constexpr int kLost = 137;        // the supervisor was killed, and the program with it
constexpr int kHungUp = 129;      // what it reports for one that SIGHUP ended
constexpr int kReaderGone = 141;  // what a shell reports for a program that SIGPIPE ended

}  // namespace berth::front
