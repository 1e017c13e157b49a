#include "init/oom_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <ctime>

namespace berth::init {
namespace {

int64_t now() {
  constexpr int64_t kThousand = 1000, kMillion = 1000000;
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * kThousand + time.tv_nsec / kMillion;
}

}  // namespace

void OomWatch::begin() {
  // What was never read is changed (poll(2) of a file of kernfs).
  counts_ = static_cast<bool>(witness_.kills());
  if (counts_ && witness_.counts_v1()) {
    told_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (told_ && !witness_.tell(told_.get())) told_.reset();
  }
  // What was killed before anybody listened.
  const OomReport report = witness_.look(first_);
  if (report.kills > 0) journal_.tell_oom(report);
}

void OomWatch::poll_for(pollfd* fds, int& count) {
  place_ = count;
  const bool v1 = witness_.counts_v1();
  const int fd = v1 ? told_.get() : witness_.events();
  fds[count++] = {counts_ ? fd : -1, static_cast<short>(v1 ? POLLIN : POLLPRI), 0};
}

void OomWatch::serve(const pollfd* fds) {
  const bool told = fds[place_].revents != 0;
  if (!told && looks_until_ == 0) return;
  uint64_t ignored = 0;
  if (told && told_ && read(told_.get(), &ignored, sizeof ignored) == sizeof ignored)
    looks_until_ = now() + kPatience;
  counts_ = static_cast<bool>(witness_.kills());
  const OomReport report = witness_.look(first_);
  if (report.kills > 0) journal_.tell_oom(report);
  if (report.kills > 0 || !counts_ || now() > looks_until_) looks_until_ = 0;
}

}  // namespace berth::init
