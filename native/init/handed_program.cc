#include "init/handed_program.h"

#include "init/last_steps.h"
#include "init/program.h"
#include "launch/handover.h"
#include "sys/capability.h"
#include "sys/kernel.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

/// The capabilities that there are to be had: a caller may ask for more than it has itself (OCI runtime specification: to be passed over).
Result<launch::Capabilities> attainable(const Plan& plan) {
  launch::Capabilities wanted = plan.process.capabilities;
  if (!plan.handover.wanted) return wanted;
  BERTH_ASSIGN(const sys::CapabilitySets own, sys::get_capabilities());
  for (uint64_t* set : {&wanted.effective, &wanted.permitted, &wanted.inheritable, &wanted.ambient})
    *set &= own.permitted;
  return wanted;
}

/// Descriptors 3 and up become those that the caller wanted kept; `report` moves out of their way.
Result<void> keep_descriptors(const Plan& plan, Fd& report) {
  const auto preserved = static_cast<int>(plan.handover.preserved);
  if (preserved == 0) return {};
  BERTH_ASSIGN(Fd moved, sys::adopt(fcntl(report.get(), F_DUPFD_CLOEXEC,
                                          launch::kFirstPreservedFd + preserved),
                                    "fcntl"));
  report = std::move(moved);
  for (int i = 0; i < preserved; ++i) {
    if (dup2(launch::kFirstPreservedFd + i, 3 + i) < 0) return sys::last_error("dup2");
  }
  return {};
}

}  // namespace

Result<launch::Capabilities> get_ready(const Plan& plan, const Identity& identity,
                                       Progress& progress) {
  BERTH_ASSIGN(const launch::Capabilities wanted, attainable(plan));
  BERTH_TRY(take_ids(plan, identity, progress));
  BERTH_ASSIGN(const sys::CapabilitySets all, sys::get_capabilities());
  // As the program itself will see it.
  BERTH_TRY(sys::set_capabilities({wanted.effective, all.permitted, all.inheritable}));
  BERTH_TRY(check_program(plan.process, progress));
  if (plan.process.no_new_privileges) BERTH_TRY(take_capabilities(plan, wanted, progress));
  BERTH_TRY(gain_nothing_more(plan));
  return wanted;
}

Result<void> become_handed_program(const Plan& plan, Fd& report, const launch::Capabilities& wanted,
                                   const Identity& identity, Progress& progress) {
  BERTH_TRY(keep_descriptors(plan, report));
  ProgramEnds ends;
  ends.report = report.get();
  progress.at("stdio");
  BERTH_TRY(hand_over_stdio(plan, ends));
  if (plan.process.set_personality) {
    progress.at("personality");
    if (syscall(SYS_personality, plan.process.personality) < 0)
      return sys::last_error("personality");
  }
  progress.at("exec", plan.process.args.items[0]);
  if (write(report.get(), &launch::kAboutToExecute, 1) != 1) return sys::last_error("write");
  // Without no_new_privs a filter takes CAP_SYS_ADMIN (seccomp(2)), and what comes after it is subject to it: as little as can be.
  if (!plan.process.no_new_privileges) {
    BERTH_TRY(sys::raise_effective());
    BERTH_TRY(filter_system_calls(plan));
    BERTH_TRY(take_capabilities(plan, wanted, progress));
  } else {
    BERTH_TRY(filter_system_calls(plan));
  }
  return run_program(plan.process, identity, progress);
}

}  // namespace berth::init
