#include "init/stdio.h"

#include "sys/defence.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

/// The end that stays is non-blocking, the other belongs to the container.
Result<void> make_pipe(const launch::Plan& plan, Fd& read_end, Fd& write_end, bool keep_read) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys::last_error("pipe2");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  const Fd& kept = keep_read ? read_end : write_end;
  const Fd& given = keep_read ? write_end : read_end;
  if (fcntl(kept.get(), F_SETFL, O_NONBLOCK) != 0) return sys::last_error("fcntl");
  if (plan.uids.count > 0 &&
      fchown(given.get(), plan.uids.items[0].outside, plan.gids.items[0].outside) != 0)
    return sys::last_error("fchown");
  return {};
}

}  // namespace

Result<Stdio> make_stdio(const launch::Plan& plan) {
  Stdio stdio;
  // A caller that takes the container over has given its own.
  if (plan.process.terminal || plan.handover.wanted) return stdio;
  if (!sys::holds("own-streams")) {
    for (int i = 0; i < 3; ++i) {
      BERTH_ASSIGN(stdio.theirs[i], sys::adopt(fcntl(i, F_DUPFD_CLOEXEC, 3), "fcntl"));
    }
    return stdio;
  }
  for (int i = 0; i < 2; ++i)
    BERTH_TRY(make_pipe(plan, stdio.ours.output[i], stdio.theirs[i + 1], true));
  if (plan.input) {
    BERTH_TRY(make_pipe(plan, stdio.theirs[0], stdio.ours.input, false));
  } else {
    BERTH_ASSIGN(stdio.theirs[0], sys::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  }
  return stdio;
}

}  // namespace berth::init
