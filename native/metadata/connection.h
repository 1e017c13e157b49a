// One client of the metadata service: a request in, a response out, and away.
#pragma once

#include <cstdint>
#include <string>

#include "metadata/answer.h"
#include "sys/fd.h"

namespace berth::metadata {

class Connection {
 public:
  void open(sys::Fd socket, int64_t now);
  void close();
  bool is_open() const { return static_cast<bool>(socket_); }
  int fd() const { return socket_.get(); }
  int64_t since() const { return since_; }
  /// What poll(2) is to wait for.
  short events() const;
  /// Goes on as far as it can without waiting.
  void serve(const Pod& pod, Signer& signer);

 private:
  enum class State { kReading, kWriting, kDraining };
  void receive(const Pod& pod, Signer& signer);
  void send();
  void drain();
  void begin(Answer answer);

  sys::Fd socket_;
  int64_t since_ = 0;  // milliseconds
  State state_ = State::kReading;
  bool told_to_continue_ = false;
  std::string received_;
  Answer answer_;
  std::string head_;
  size_t sent_ = 0;
};

}  // namespace berth::metadata
