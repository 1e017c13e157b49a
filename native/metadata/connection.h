// One client of the metadata service: a request in, a response out, and away.
#pragma once

#include <cstdint>
#include <string>

#include "metadata/answer.h"
#include "sys/fd.h"

namespace berth::metadata {

/// Whose answers a client gets.
struct Speaker {
  const Pod& pod;
  Signer& signer;
  bool to_neighbours;  // and not to the pod's own apps
};

class Connection {
 public:
  void open(sys::Fd socket, int64_t now);
  void close();
  bool is_open() const { return static_cast<bool>(socket_); }
  /// What poll(2) is to wait for, and on what.
  int fd() const { return state_ == State::kAsking ? neighbour_.get() : socket_.get(); }
  short events() const;
  int64_t since() const { return since_; }
  /// Goes on as far as it can without waiting.
  void serve(const Speaker& speaker);

 private:
  enum class State { kReading, kAsking, kWriting, kDraining };
  void receive(const Speaker& speaker);
  void begin(Answer answer);
  void ask(const std::string& neighbour, std::string_view form);
  void go_on_asking();
  void send();
  void drain();

  sys::Fd socket_, neighbour_;
  int64_t since_ = 0;  // milliseconds
  State state_ = State::kReading;
  bool told_to_continue_ = false;
  std::string received_;
  std::string sending_;  // to the neighbour, or the head of the response
  Answer answer_;
  size_t sent_ = 0;
};

}  // namespace berth::metadata
