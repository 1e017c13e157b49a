#include "sys/spawn.h"

#include <signal.h>

#include "sys/defence.h"
#include "sys/kernel.h"

#ifndef __x86_64__
#error "berth needs a clone trampoline for this processor: see clone_on_stack()"
#endif

namespace berth::sys {
namespace {

/// What parent and child share; the child lives in the parent's memory, so plain members carry the answer back.
struct Shared {
  const SpawnRequest* request;
  Error failure;
};

constexpr int kOutOfTheWay =
    100;  // above every number that is handed over, so that no dup2 hits a source

[[noreturn]] void fail(Shared* shared, const char* call) {
  shared->failure = last_error(call);
  syscall(SYS_exit, 127);
  __builtin_unreachable();
}

[[noreturn]] void child(void* argument) {
  auto* shared = static_cast<Shared*>(argument);
  const SpawnRequest& request = *shared->request;
  const int program = fcntl(request.executable, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (program < 0) fail(shared, "fcntl");
  constexpr int kMost = 96;
  int moved[kMost];
  if (request.inherited_count > kMost) {
    errno = EINVAL;
    fail(shared, "spawn");
  }
  for (int i = 0; i < request.inherited_count; ++i) {
    moved[i] =
        request.inherited[i] < 0 ? -1 : fcntl(request.inherited[i], F_DUPFD_CLOEXEC, kOutOfTheWay);
    if (request.inherited[i] >= 0 && moved[i] < 0) fail(shared, "fcntl");
  }
  for (int i = 0; i < request.inherited_count; ++i) {
    if (moved[i] < 0) {
      close(i);
    } else if (dup2(moved[i], i) < 0) {
      fail(shared, "dup2");
    }
  }
  const auto first_closed = static_cast<unsigned>(request.inherited_count);
  if (holds("closed-descriptors") &&
      kernel::close_range(first_closed, ~0U, kernel::kCloseRangeCloexec) != 0)
    fail(shared, "close_range");
  syscall(SYS_execveat, program, "", request.argv, request.envp, kernel::kAtEmptyPath);
  fail(shared, "execveat");
}

/// clone3 whose child starts in `entry(argument)` on the stack named by `args`. Inline because the child must not return through
/// a frame of the parent's stack.
long clone_on_stack(kernel::CloneArgs* args, void (*entry)(void*), void* argument) {
  long result = 0;
  register void (*entry_register)(void*) asm("r12") = entry;
  register void* argument_register asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(entry_register), "r"(argument_register)
      : "rcx", "r11", "memory");
  return result;
}

}  // namespace

Result<Spawned> spawn(const SpawnRequest& request) {
  alignas(16) char stack[16 * 1024];
  Shared shared{&request, {}};
  int pidfd = -1;
  kernel::CloneArgs args = {};
  args.flags =
      kernel::kCloneVm | kernel::kCloneVfork | kernel::kClonePidfd | kernel::kCloneClearSighand;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.stack = reinterpret_cast<uint64_t>(stack);
  args.stack_size = sizeof stack;
  if (request.own_pid_namespace) args.flags |= kernel::kCloneNewPid;
  if (request.cgroup >= 0) {
    args.flags |= kernel::kCloneIntoCgroup;
    args.cgroup = static_cast<uint64_t>(request.cgroup);
  }

  // A signal handler of the parent must not run in the child while they share memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long pid = clone_on_stack(&args, child, &shared);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0) return Error{static_cast<int>(-pid), "clone3"};
  Spawned spawned{static_cast<pid_t>(pid), Fd(pidfd)};
  if (shared.failure.number != 0) {
    // The child has exited without becoming the program; nobody else can collect it.
    siginfo_t ignored;
    retry_interrupted([&] {
      return syscall(SYS_waitid, kernel::kPPidfd, pidfd, &ignored,
                     4 /* WEXITED */ | 0x40000000 /* __WALL */, nullptr);
    });
    return shared.failure;
  }
  return spawned;
}

}  // namespace berth::sys
