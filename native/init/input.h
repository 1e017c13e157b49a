// What clients type or pipe, on its way to the container's stdin.
#pragma once

#include <cstdint>

#include "init/client_end.h"
#include "init/detach_keys.h"
#include "sys/fd.h"

namespace berth::init {

/// Several clients may type at once; what each gives at a time stays together.
class Input {
 public:
  static constexpr int kMostSources = 9;

  /// `sink` is non-blocking: a pipe's end, or a terminal's. Without one nothing is read from anybody.
  void open(sys::Fd sink, bool terminal);
  /// `client` names whose it is. `once`: the container's stdin ends when this source does, as in a pipeline. `keys` are obeyed at a terminal. False: too many.
  bool add(uint32_t client, ClientEnd end, const char* keys, bool once);
  void remove(uint32_t client);

  /// What to poll: for writing; -1: nothing waits to be written.
  int owes() const { return sent_ == pending_ ? -1 : sink_.get(); }
  /// The end of source `i` to poll for reading; -1: none, or it has to wait.
  int source(int i) const { return sink_ && sent_ == pending_ ? sources_[i].end.get() : -1; }

  /// Source `i` is readable. Gives the client that typed its detach keys, or 0.
  uint32_t read_source(int i);
  void flush();
  void end() { close_sink(); }

 private:
  static constexpr size_t kBuffer = 4096;

  struct Source {
    uint32_t client = 0;
    ClientEnd end;
    DetachKeys keys;
    bool once = false;
  };

  void finish(Source& source);
  void close_sink();

  sys::Fd sink_;
  bool terminal_ = false;
  bool last_ = false;  // the sink is closed once all is written
  Source sources_[kMostSources];
  char buffer_[kBuffer + DetachKeys::kMost];
  size_t pending_ = 0, sent_ = 0;
};

}  // namespace berth::init
