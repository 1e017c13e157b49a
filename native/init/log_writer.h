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
  /// How many bytes are done with. All of them, unless the caller is `patient` and there is no room: then it writes the rest once `room` is readable or
  /// `patience_left` has passed. A disk that makes no progress for longer loses its patient writers until it has caught up.
  size_t write(Stream stream, const char* bytes, size_t count, bool patient);
  /// Readable when there may be room again for a patient writer that had to wait.
  int room() const { return room_.get(); }
  /// Of that writer, in milliseconds.
  int patience_left() const;
  /// No writer waits any more.
  void stop_waiting() { waiting_.store(false); }
  /// Ends open lines and waits for the disk, but no longer than `patience_ms`; what is not written by then counts as dropped.
  void finish(int patience_ms);
  /// Bytes of output that are not in the log.
  uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr size_t kLongestText =
      16 * 1024;  // one record, as Docker and the kubelet split lines

  /// A stream's current line. Where a part of it is dropped the rest is too, and what was logged of it is ended: two lines are never read as one.
  struct Line {
    bool open = false;      // the last record in the log says that the line goes on
    bool broken = false;    // but it does not
    bool skipping = false;  // until the line ends
  };

  static constexpr int kPatience = 1000;

  /// False: no room, and nothing was done.
  bool append(Line& line, Stream stream, const char* text, size_t count, bool full, bool patient);
  /// Shall a writer wait for room? Looks whether the disk has taken anything since it was last asked.
  bool wait_for_room();
  /// False: no room.
  bool record(Stream stream, const char* text, size_t count, bool full);
  bool start_thread();
  void wake_thread();
  static void* run(void* self);
  void drain();
  void write_records(const char* bytes, size_t count);
  /// How many bytes were written, which end with a whole record if not all were.
  size_t write_out(const char* bytes, size_t count);
  /// Cuts the beginning of a record off the file; how many of the last `most` bytes that were.
  size_t take_back_torn(size_t most);
  bool open_file();
  bool rotate();

  int container_ = -1;
  uint64_t max_bytes_ = 0;
  uint32_t max_files_ = 0;
  Line lines_[2];

  // One thread puts in, the other takes out: bytes ever put in and taken out say all.
  char* ring_;
  sys::Atomic<size_t> head_{0}, tail_{0};
  sys::Atomic<bool> finishing_{false};
  sys::Atomic<uint64_t> dropped_{0};
  sys::Atomic<bool> waiting_{false};
  bool started_ = false;
  bool slow_ = false;               // out of patience, until all is written
  size_t seen_tail_ = 0;            // when a writer last had to wait
  int64_t seen_at_ = 0;             // CLOCK_MONOTONIC, milliseconds
  sys::Fd wake_, finished_, room_;  // eventfd(2): there is work again; all is written; some is

  // The thread's own.
  sys::Fd directory_, file_;
  uint64_t size_ = 0;   // of file_
  uint64_t whole_ = 0;  // of file_, up to the end of its last whole record
  bool at_line_start_ = true;
  bool inside_lost_ = false;  // what comes next is the rest of a record that was lost
};

}  // namespace berth::init
