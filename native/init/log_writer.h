// A container's log on disk: never waited for, never larger than asked.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "launch/plan.h"
#include "sys/atomic.h"
#include "sys/fd.h"

namespace berth::init {

enum class Stream : uint8_t { kStdout = 0, kStderr = 1 };

/// Takes what the container writes and keeps it as lines of `TIME STREAM P|F TEXT` (the kubelet's CRI log format: RFC 3339 with nanoseconds; P marks a
/// line that goes on). A thread of its own writes to the disk; when the disk is full or slower than the container, whole records are dropped and
/// counted. The file `log` is moved to `log.1`, `log.2`, … when it reaches its size, and the oldest goes.
class LogWriter {
 public:
  static constexpr size_t kRing = 256 * 1024;

  /// `ring` has kRing bytes.
  explicit LogWriter(char* ring) : ring_(ring) {}
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// `container` is the container's durable directory, in which the folder `logs` is made with the first byte; the descriptor stays the caller's.
  void configure(int container, const launch::Logs& limits);
  void write(Stream stream, const char* bytes, size_t count);
  /// Ends open lines and waits for the disk, but no longer than `patience_ms`; what is not written by then counts as dropped.
  void finish(int patience_ms);
  /// Bytes of output that are not in the log.
  uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr size_t kLongestText =
      16 * 1024;  // one record, as Docker and the kubelet split lines

  void record(Stream stream, const char* text, size_t count, bool full);
  bool start_thread();
  void wake_thread();
  static void* run(void* self);
  void drain();
  size_t write_out(const char* bytes, size_t count);
  bool open_file();
  bool rotate();

  int container_ = -1;
  uint64_t max_bytes_ = 0;
  uint32_t max_files_ = 0;
  bool open_line_[2] = {false, false};

  // One thread puts in, the other takes out: bytes ever put in and taken out say all.
  char* ring_;
  sys::Atomic<size_t> head_{0}, tail_{0};
  sys::Atomic<bool> finishing_{false};
  sys::Atomic<uint64_t> dropped_{0};
  bool started_ = false;
  sys::Fd wake_, finished_;  // eventfd(2): there is work again; all is written

  // The thread's own.
  sys::Fd directory_, file_;
  uint64_t size_ = 0;  // of file_
  bool at_line_start_ = true;
};

}  // namespace berth::init
