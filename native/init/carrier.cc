#include "init/carrier.h"

#include <sys/ioctl.h>
#include <time.h>

#include <cstring>

#include "sys/text.h"

namespace berth::init {
namespace {

/// Large, and touched only when there is output; apart from all else, so that an idle supervisor keeps as few pages as can be.
alignas(4096) char buffers[2][Output::kBuffer];

/// How long somebody who only listens may take for the last words.
constexpr int kLastPatience = 2000;

int64_t milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

Carrier::Carrier(Control& control, LogWriter& log)
    : control_(control),
      log_(log),
      outputs_{{Stream::kStdout, log, buffers[0]}, {Stream::kStderr, log, buffers[1]}} {}

void Carrier::open(OurEnds ours, const launch::Plan& plan) {
  const bool has_terminal = static_cast<bool>(ours.terminal);
  if (has_terminal) {
    const int master = ours.terminal.get();
    constexpr unsigned long kGetPeer = 0x5441;  // TIOCGPTPEER, Linux 4.13
    other_terminal_.reset(ioctl(master, kGetPeer, O_RDWR | O_NOCTTY | O_CLOEXEC));
    ours.output[0].reset(fcntl(master, F_DUPFD_CLOEXEC, 3));
    if (plan.input) ours.input.reset(fcntl(master, F_DUPFD_CLOEXEC, 3));
    terminal_ = std::move(ours.terminal);
  }
  for (int i = 0; i < 2; ++i)
    outputs_[i].open(std::move(ours.output[i]), ClientEnd(i + 1, ClientEnd::kWrite), has_terminal);
  input_.open(std::move(ours.input), has_terminal);
  input_.add(Control::kLeash, ClientEnd(0, ClientEnd::kRead), plan.detach_keys, true);
}

void Carrier::poll_for(pollfd* fds, int& count) {
  for (const Output& output : outputs_) {
    fds[count++] = {output.source(), POLLIN, 0};
    fds[count++] = {output.client(), POLLOUT, 0};
  }
  const bool waits = outputs_[0].waits_for_log() || outputs_[1].waits_for_log();
  if (!waits) log_.stop_waiting();
  fds[count++] = {waits ? log_.room() : -1, POLLIN, 0};
  for (const Attached& attached : attached_) {
    for (const Listener& stream : attached.streams) fds[count++] = {stream.owes(), POLLOUT, 0};
  }
  fds[count++] = {input_.owes(), POLLOUT, 0};
  first_input_ = count;
  for (int i = 0; i < Input::kMostSources; ++i) fds[count++] = {input_.source(i), POLLIN, 0};
}

int Carrier::timeout() const {
  if (outputs_[0].waits_for_log() || outputs_[1].waits_for_log()) return log_.patience_left();
  if (!ended_) return -1;
  // After the end only a client that is slow to read is waited for.
  if (outputs_[0].client() >= 0 || outputs_[1].client() >= 0) return -1;
  const int64_t left = ended_at_ + kLastPatience - milliseconds();
  return left > 0 ? static_cast<int>(left) : 0;
}

void Carrier::serve(const pollfd* fds) {
  if (!control_.connected(Control::kLeash)) {
    for (Output& output : outputs_) output.detach_client();
    input_.remove(Control::kLeash);
  }
  for (Attached& attached : attached_) {
    if (attached.client != 0 && !control_.connected(attached.client)) let_go(attached);
  }
  input_.flush();
  for (int i = 0; i < Input::kMostSources; ++i) {
    if (fds[first_input_ + i].revents == 0) continue;
    const uint32_t client = input_.read_source(i);
    if (client != 0) detach(client);
  }
  for (Attached& attached : attached_) {
    for (Listener& stream : attached.streams) stream.flush();
  }
  for (int i = 0; i < 2; ++i) {
    outputs_[i].move([&](const char* bytes, size_t length) {
      for (Attached& attached : attached_) attached.streams[i].offer(bytes, length);
    });
  }
  tell_failures();
}

void Carrier::end() {
  ended_ = true;
  ended_at_ = milliseconds();
  input_.end();
  for (Output& output : outputs_) output.end();
}

bool Carrier::busy() const {
  if (outputs_[0].open() || outputs_[1].open()) return true;
  if (milliseconds() - ended_at_ >= kLastPatience) return false;
  for (const Attached& attached : attached_) {
    for (const Listener& stream : attached.streams) {
      if (stream.owes() >= 0) return true;
    }
  }
  return false;
}

RequestHandler::Answer Carrier::answer(const Request& request) {
  const char* text = request.text;
  if (strncmp(text, "attach ", 7) == 0) return attach(request, text + 7);
  if (strncmp(text, "resize ", 7) == 0) return resize(text + 7);
  if (strcmp(text, "log") == 0)
    return RequestHandler::Answer("log {\"bytes_dropped\":", log_.dropped(), '}');
  return RequestHandler::Answer();
}

RequestHandler::Answer Carrier::attach(const Request& request, const char* keys) {
  const auto refuse = [](int number) { return RequestHandler::Answer("attached ", number); };
  if (!request.fds[0] || !request.fds[1] || !request.fds[2]) return refuse(EBADF);
  Attached* place = nullptr;
  for (Attached& attached : attached_) {
    if (attached.client == request.client) return refuse(EALREADY);
    if (attached.client == 0 && place == nullptr) place = &attached;
  }
  if (place == nullptr) return refuse(EBUSY);
  for (int i = 0; i < 2; ++i) {
    if (!place->streams[i].start(ClientEnd(request.fds[i + 1].get(), ClientEnd::kWrite)))
      return refuse(ENOMEM);
  }
  place->client = request.client;
  input_.add(request.client, ClientEnd(request.fds[0].get(), ClientEnd::kRead), keys, false);
  for (int i = 0; i < Request::kMostFds; ++i) request.fds[i].reset();
  return RequestHandler::Answer("attached 0 ", terminal_ ? "terminal" : "streams");
}

RequestHandler::Answer Carrier::resize(const char* numbers) const {
  const char* second = strchr(numbers, ' ');
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(sys::leading_number(numbers));
  size.ws_col =
      static_cast<unsigned short>(second == nullptr ? 0 : sys::leading_number(second + 1));
  // The kernel tells the terminal's foreground processes (SIGWINCH) when it differs.
  const int outcome = terminal_ ? ioctl(terminal_.get(), TIOCSWINSZ, &size) : -1;
  return RequestHandler::Answer("resized ", outcome == 0 ? 0 : terminal_ ? errno : ENOTTY);
}

void Carrier::let_go(Attached& attached) {
  input_.remove(attached.client);
  for (Listener& stream : attached.streams) stream.stop();
  attached.client = 0;
}

void Carrier::detach(uint32_t client) {
  if (client == Control::kLeash) {
    for (Output& output : outputs_) output.detach_client();
    input_.remove(client);
  }
  for (Attached& attached : attached_) {
    if (attached.client == client) let_go(attached);
  }
  control_.tell(client, "detached");
}

void Carrier::tell_failures() {
  for (Output& output : outputs_) {
    const int failure = output.take_failure();
    if (failure == 0) continue;
    control_.tell_leash(sys::Text<64>("undelivered ",
                                      output.stream() == Stream::kStdout ? "stdout " : "stderr ",
                                      failure)
                            .c_str());
  }
}

void Carrier::tell_missed() {
  for (const Attached& attached : attached_) {
    const uint64_t missed = attached.streams[0].missed() + attached.streams[1].missed();
    if (attached.client != 0 && missed > 0)
      control_.tell(attached.client, sys::Text<40>("missed ", missed).c_str());
  }
}

}  // namespace berth::init
