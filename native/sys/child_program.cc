#include "sys/child_program.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "sys/kernel.h"

namespace berth::sys {
namespace {

[[noreturn]] void become(const ChildProgram& program, int input, int report) {
  for (int number = 1; number < NSIG; ++number) (void)signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(input, 0) == 0 && kernel::close_range(3, ~0U, kernel::kCloseRangeCloexec) == 0)
    execve(program.path, const_cast<char* const*>(program.argv),
           const_cast<char* const*>(program.envp));
  const int number = errno;
  (void)!write(report, &number, sizeof number);
  _exit(127);
}

}  // namespace

Result<int> run_to_end(const ChildProgram& program) {
  BERTH_ASSIGN(const Fd input,
               adopt(kernel::memfd_create("input", kernel::kMemfdCloexec), "memfd_create"));
  if (write(input.get(), program.input, program.input_size) !=
          static_cast<ssize_t>(program.input_size) ||
      lseek(input.get(), 0, SEEK_SET) != 0)
    return last_error("write");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return last_error("pipe2");
  const Fd report(ends[0]);
  Fd report_write(ends[1]);
  int pidfd = -1;
  kernel::CloneArgs args = {};
  args.flags = kernel::kClonePidfd;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  const long pid = kernel::clone3(&args);
  if (pid < 0) return last_error("clone3");
  if (pid == 0) become(program, input.get(), report_write.get());
  const Fd child(pidfd);
  report_write.reset();

  pollfd ended = {child.get(), POLLIN, 0};
  const int outcome = retry_interrupted([&] { return poll(&ended, 1, program.patience); });
  if (outcome == 0) kernel::pidfd_send_signal(child.get(), SIGKILL);
  int status = 0;
  if (retry_interrupted([&] { return waitpid(static_cast<pid_t>(pid), &status, 0); }) < 0)
    return last_error("waitpid");
  if (outcome == 0) return Error{ETIMEDOUT, "waitpid"};
  int number = 0;
  if (read(report.get(), &number, sizeof number) == sizeof number) return Error{number, "execve"};
  return status;
}

}  // namespace berth::sys
