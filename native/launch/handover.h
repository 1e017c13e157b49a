// What berth-init, and the first process of a container, tell whoever started them. Same machine, same build: plain memory.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace berth::launch {

/// A failed launch as it crosses from the first process to the supervisor and on to the client.
struct StepFailure {
  int number = 0;  // errno
  char step[24] = "";
  char call[24] = "";
  char subject[256] = "";
};

/// Precedes everything else on a report: all is done but to execute the program. End of file without it means that the first process was killed
/// on the way there.
constexpr char kAboutToExecute = 'x';

/// From berth-init to berth-runtime, one message of a SOCK_SEQPACKET each.
struct HandoverReport {
  /// The mounts stand and nothing is hidden yet: time for the caller's hooks. Answered by the container's state as JSON.
  static constexpr char kAtHooks = 'h';
  /// The first process is complete and waits to be started. Answered by kRecorded.
  static constexpr char kCreated = 'c';
  /// A program that was sent in runs.
  static constexpr char kRuns = 'r';
  static constexpr char kFailed = 'f';

  char word = kFailed;
  pid_t pid = 0;  // of the first process, on the host
  StepFailure failure;
};

/// The caller has recorded the container: from now on it stays, whatever becomes of the caller.
constexpr char kRecorded = 'k';

/// On the socket that a created container listens on: this and the container's state as JSON start it. The answer is kAboutToExecute and the end of
/// the connection, or a StepFailure. A connection that says nothing only asks whether there is somebody.
constexpr char kStart = 's';
constexpr const char* kStartSocket = "start.sock";

constexpr uint32_t kMostState = 1 << 16;  // bytes of a container's state as JSON

}  // namespace berth::launch
