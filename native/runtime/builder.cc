#include "runtime/builder.h"

#include <linux/limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "launch/plan_writer.h"
#include "launch/seccomp_profile.h"
#include "runtime/trouble.h"
#include "sys/sealed_file.h"
#include "sys/spawn.h"

namespace berth::runtime {
namespace {

using launch::Plan;
using sys::Fd;

/// The supervisor's program lies beside this one.
std::string init_program() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length < 0) fail("/proc/self/exe", sys::last_error("readlink"));
  const std::string self(path, static_cast<size_t>(length));
  return self.substr(0, self.rfind('/')) + "/berth-init";
}

Fd connect_console(const std::string& path) {
  Fd socket_fd = need(sys::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"), path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Trouble(path + ": is too long for a socket");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail(path, sys::last_error("connect"));
  return socket_fd;
}

}  // namespace

void collect(const Builder& builder) {
  // A child without an exit signal (sys/spawn.h).
  sys::retry_interrupted([&] { return waitpid(builder.pid, nullptr, __WALL); });
}

Builder start_building(Plan& plan, const BuilderEnds& given) {
  const std::string stream = launch::PlanWriter::write(plan);
  if (stream.size() > launch::kPlanLimit) throw Trouble("config.json is too large to be run");
  const Fd plan_file =
      need(sys::sealed_file("berth-plan", stream.data(), stream.size(), 0400), "plan");
  const std::string path = init_program();
  const Fd program = need(sys::sealed_program(path.c_str()), path);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail("leash", sys::last_error("socketpair"));
  Builder builder;
  builder.leash.reset(ends[0]);
  const Fd theirs(ends[1]);
  Fd console;
  if (!given.console_socket.empty()) console = connect_console(given.console_socket);
  const int console_fd = console ? console.get() : given.console;
  static_assert(launch::kConsoleFd == 8);
  std::vector<int> inherited = {0,          1,  2,  plan_file.get(), theirs.get(),
                                given.task, -1, -1, console_fd};
  for (uint32_t i = 0; i < given.preserved; ++i) inherited.push_back(3 + static_cast<int>(i));
  std::vector<const char*> argv = {"berth-init", "--root", plan.root, plan.id, nullptr};
  if (given.task >= 0) argv.insert(argv.begin() + 1, launch::kExecRole);
  const char* const envp[] = {nullptr};
  const auto spawned = need(sys::spawn({program.get(), argv.data(), envp, inherited.data(),
                                        static_cast<int>(inherited.size())}),
                            path);
  builder.pid = spawned.pid;
  return builder;
}

void compile_filter(const launch::Json& config, const std::string& root,
                    const launch::Faults& faults, launch::PlanStore& store, Plan& plan) {
  const launch::Json seccomp = config["linux"]["seccomp"];
  if (!seccomp.present()) return;
  launch::SeccompCache cache;
  auto compiled = cache.compile(seccomp, root + "/.seccomp");
  if (faults.any()) throw Trouble(faults.first());
  if (auto* failure = std::get_if<launch::Failure>(&compiled)) fail(*failure);
  plan.seccomp = store.list(std::move(std::get<launch::SeccompProgram>(compiled)));
}

}  // namespace berth::runtime
