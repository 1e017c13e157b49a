// How long threads waited for storage and for memory, by the taskstats netlink interface (kernel
// Documentation/accounting).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"

namespace berth::sys {

/// Nanoseconds since the thread started, counted only while kernel.task_delayacct was on at its
/// start and since.
struct ThreadDelays {
  uint64_t block_io =
      0;  // waiting for block I/O, also where the I/O was for swapping or for thrashing pages
  uint64_t paging =
      0;  // waiting for pages that had been taken away: swapped out, or dropped and read again
  uint64_t reclaim = 0;  // freeing and compacting memory, partly on the CPU
};

/// One open netlink socket. Needs CAP_NET_ADMIN in the first user namespace.
class Taskstats {
 public:
  static Result<Taskstats> open();
  /// ESRCH when there is no such thread; EPROTO when the kernel's record does not have the form
  /// that Linux promises.
  Result<ThreadDelays> delays(pid_t tid);

 private:
  Taskstats(Fd socket, uint16_t family) : socket_(std::move(socket)), family_(family) {}
  Fd socket_;
  uint16_t family_;
};

}  // namespace berth::sys
