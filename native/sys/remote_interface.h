// Interfaces of a container that runs: one more on a bridge of the host's, and ways out over one that it has.
#pragma once

#include "sys/interface.h"

namespace berth::sys {

/// Whose network namespace it is about: a process, as the caller's pid namespace numbers it. Whoever has its pid after it is not meant.
struct NamespaceHolder {
  pid_t pid = -1;
  uint64_t started = 0;
};

/// Makes a pair of interfaces, `veth.name` on a bridge of the caller's, `veth.peer` there, with addresses and default routes. With an error nothing of it is left.
/// ESRCH: the process is gone; EEXIST: a name is taken.
Result<void> add_remote_interface(const NamespaceHolder& holder, Veth veth,
                                  const Addressing& addressing);

/// Gives the interface of that name there more addresses and default routes.
Result<void> configure_remote_interface(const NamespaceHolder& holder, const char* name,
                                        const Addressing& addressing);

}  // namespace berth::sys
