#include "metadata/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include "metadata/neighbours.h"

namespace berth::metadata {
namespace {

constexpr size_t kPart = 16 * 1024;

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

ssize_t receive_some(int fd, char* bytes, size_t count) {
  return sys::retry_interrupted([&] { return recv(fd, bytes, count, MSG_DONTWAIT); });
}

ssize_t send_some(int fd, std::string_view bytes, int flags) {
  return sys::retry_interrupted(
      [&] { return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL | flags); });
}

}  // namespace

void Connection::open(sys::Fd socket, int64_t now) {
  socket_ = std::move(socket);
  since_ = now;
  state_ = State::kReading;
  told_to_continue_ = false;
}

void Connection::close() {
  socket_.reset();
  neighbour_.reset();
  received_ = {};
  sending_ = {};
  answer_ = {};
  sent_ = 0;
}

short Connection::events() const {
  const bool sends =
      state_ == State::kWriting || (state_ == State::kAsking && sent_ < sending_.size());
  return sends ? POLLOUT : POLLIN;
}

void Connection::serve(const Speaker& speaker) {
  if (state_ == State::kReading) receive(speaker);
  if (is_open() && state_ == State::kAsking) go_on_asking();
  if (is_open() && state_ == State::kWriting) send();
  if (is_open() && state_ == State::kDraining) drain();
}

void Connection::receive(const Speaker& speaker) {
  while (state_ == State::kReading) {
    char part[kPart];
    const ssize_t length = receive_some(socket_.get(), part, sizeof part);
    if (length < 0 && would_wait()) return;
    if (length <= 0) return close();
    received_.append(part, static_cast<size_t>(length));
    const Parsed parsed = parse_request(received_);
    if (parsed.state == Parsed::State::kRefused) return begin(refusal(parsed.status));
    if (parsed.state == Parsed::State::kComplete) {
      const auto& speak = speaker.to_neighbours ? answer_neighbour : answer;
      Answer made = speak(speaker.pod, speaker.signer, parsed.request);
      if (!made.neighbour.empty()) return ask(made.neighbour, parsed.request.body);
      return begin(std::move(made));
    }
    if (parsed.wants_continue && !told_to_continue_) {
      told_to_continue_ = true;
      // It fits an empty buffer; a client that has let it fill up waits for nothing.
      (void)send_some(socket_.get(), "HTTP/1.1 100 Continue\r\n\r\n", 0);
    }
  }
}

void Connection::begin(Answer made) {
  answer_ = std::move(made);
  sending_ = head_of(answer_);
  sent_ = 0;
  received_ = {};
  neighbour_.reset();
  state_ = State::kWriting;
}

/// A pod that is not there, or has no time, has signed nothing that could be verified.
void Connection::ask(const std::string& neighbour, std::string_view form) {
  auto connected = connect_to_neighbour(neighbour);
  if (!connected) return begin(refusal(403));
  sending_ = question_to_neighbour(form);
  neighbour_ = std::move(*connected);
  received_ = {};
  sent_ = 0;
  state_ = State::kAsking;
}

void Connection::go_on_asking() {
  while (sent_ < sending_.size()) {
    const ssize_t length = send_some(neighbour_.get(), std::string_view(sending_).substr(sent_), 0);
    if (length < 0 && would_wait()) return;
    if (length < 0) return begin(refusal(403));
    sent_ += static_cast<size_t>(length);
  }
  constexpr std::string_view kHolds = "HTTP/1.1 200 ";
  char part[kPart];
  const ssize_t length = receive_some(neighbour_.get(), part, sizeof part);
  if (length < 0 && would_wait()) return;
  if (length > 0) received_.append(part, static_cast<size_t>(length));
  // The beginning of its response says all.
  if (length > 0 && received_.size() < kHolds.size()) return;
  begin(received_.starts_with(kHolds) ? signature_holds() : refusal(403));
}

void Connection::send() {
  const std::string_view body = answer_.own_body.empty() ? answer_.body : answer_.own_body;
  while (sent_ < sending_.size() + body.size()) {
    const bool in_head = sent_ < sending_.size();
    const std::string_view rest =
        in_head ? std::string_view(sending_).substr(sent_) : body.substr(sent_ - sending_.size());
    const ssize_t length = send_some(socket_.get(), rest, in_head && !body.empty() ? MSG_MORE : 0);
    if (length < 0 && would_wait()) return;
    if (length < 0) return close();
    sent_ += static_cast<size_t>(length);
  }
  // What was not read when a socket is closed resets the connection, and takes the response along (RFC 9112, 9.6).
  if (shutdown(socket_.get(), SHUT_WR) != 0) return close();
  state_ = State::kDraining;
}

void Connection::drain() {
  char part[kPart];
  // Once each time, so that a client that sends without end holds up nobody.
  const ssize_t length = receive_some(socket_.get(), part, sizeof part);
  if (length > 0 || (length < 0 && would_wait())) return;
  close();
}

}  // namespace berth::metadata
