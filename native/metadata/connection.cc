#include "metadata/connection.h"

#include <poll.h>
#include <sys/socket.h>

namespace berth::metadata {
namespace {

constexpr size_t kPart = 16 * 1024;

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

void Connection::open(sys::Fd socket, int64_t now) {
  socket_ = std::move(socket);
  since_ = now;
  state_ = State::kReading;
  told_to_continue_ = false;
}

void Connection::close() {
  socket_.reset();
  received_ = {};
  answer_ = {};
  head_ = {};
  sent_ = 0;
}

short Connection::events() const { return state_ == State::kWriting ? POLLOUT : POLLIN; }

void Connection::serve(const Pod& pod, Signer& signer) {
  if (state_ == State::kReading) receive(pod, signer);
  if (is_open() && state_ == State::kWriting) send();
  if (is_open() && state_ == State::kDraining) drain();
}

void Connection::receive(const Pod& pod, Signer& signer) {
  while (state_ == State::kReading) {
    char part[kPart];
    const ssize_t length =
        sys::retry_interrupted([&] { return recv(fd(), part, sizeof part, MSG_DONTWAIT); });
    if (length < 0 && would_wait()) return;
    if (length <= 0) return close();
    received_.append(part, static_cast<size_t>(length));
    const Parsed parsed = parse_request(received_);
    if (parsed.state == Parsed::State::kRefused) return begin(refusal(parsed.status));
    if (parsed.state == Parsed::State::kComplete) return begin(answer(pod, signer, parsed.request));
    if (parsed.wants_continue && !told_to_continue_) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      told_to_continue_ = true;
      // It fits an empty buffer; a client that has let it fill up waits for nothing.
      (void)::send(fd(), kContinue.data(), kContinue.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  }
}

void Connection::begin(Answer made) {
  answer_ = std::move(made);
  head_ = head_of(answer_);
  sent_ = 0;
  received_ = {};
  state_ = State::kWriting;
}

void Connection::send() {
  const std::string_view body = answer_.own_body.empty() ? answer_.body : answer_.own_body;
  while (sent_ < head_.size() + body.size()) {
    const bool in_head = sent_ < head_.size();
    const std::string_view rest =
        in_head ? std::string_view(head_).substr(sent_) : body.substr(sent_ - head_.size());
    const int more = in_head && !body.empty() ? MSG_MORE : 0;
    const ssize_t length = sys::retry_interrupted(
        [&] { return ::send(fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL | more); });
    if (length < 0 && would_wait()) return;
    if (length < 0) return close();
    sent_ += static_cast<size_t>(length);
  }
  // What was not read when a socket is closed resets the connection, and takes the response along (RFC 9112, 9.6).
  if (shutdown(fd(), SHUT_WR) != 0) return close();
  state_ = State::kDraining;
}

void Connection::drain() {
  char part[kPart];
  // Once each time, so that a client that sends without end holds up nobody.
  const ssize_t length =
      sys::retry_interrupted([&] { return recv(fd(), part, sizeof part, MSG_DONTWAIT); });
  if (length > 0 || (length < 0 && would_wait())) return;
  close();
}

}  // namespace berth::metadata
