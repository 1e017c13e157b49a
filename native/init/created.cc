#include "init/created.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "launch/handover.h"
#include "sys/child_program.h"
#include "sys/write_all.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

/// The container's state as the caller tells it, for the hooks. Touched only where there are any.
char state_text[launch::kMostState];

Result<void> read_whole(int from, void* to, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t part = sys::retry_interrupted(
        [&] { return read(from, static_cast<char*>(to) + done, size - done); });
    if (part < 0) return sys::last_error("read");
    if (part == 0) return sys::Error{EPIPE, "read"};
    done += static_cast<size_t>(part);
  }
  return {};
}

/// A length, then as many bytes.
Result<uint32_t> read_state(int from) {
  uint32_t size = 0;
  BERTH_TRY(read_whole(from, &size, sizeof size));
  if (size > sizeof state_text) return sys::Error{E2BIG, "read"};
  BERTH_TRY(read_whole(from, state_text, size));
  return size;
}

Result<void> run_hooks(const launch::List<launch::Hook>& hooks, uint32_t state_size,
                       Progress& progress) {
  constexpr uint32_t kMostWords = 1024;
  static const char* words[2][kMostWords + 1];
  for (const auto& hook : hooks) {
    progress.at("hook", hook.path);
    if (hook.args.count > kMostWords || hook.env.count > kMostWords)
      return sys::Error{E2BIG, "execve"};
    const launch::List<const char*> given[2] = {hook.args, hook.env};
    for (int i = 0; i < 2; ++i) {
      for (uint32_t word = 0; word < given[i].count; ++word) words[i][word] = given[i].items[word];
      words[i][given[i].count] = nullptr;
    }
    BERTH_ASSIGN(const int status,
                 sys::run_to_end({hook.path, words[0], words[1], state_text, state_size,
                                  hook.timeout == 0 ? -1 : static_cast<int>(hook.timeout) * 1000}));
    if (status != 0) return sys::Error{ECHILD, "waitpid"};
  }
  return {};
}

}  // namespace

Result<void> pass_hooks(const Plan& plan, const FirstProcess& ends, Progress& progress) {
  if (!plan.handover.runtime_hooks && plan.handover.create_hooks.count == 0) return {};
  progress.at("hook");
  if (write(ends.program.report, &launch::HandoverReport::kAtHooks, 1) != 1)
    return sys::last_error("write");
  BERTH_ASSIGN(const uint32_t size, read_state(ends.go));
  return run_hooks(plan.handover.create_hooks, size, progress);
}

Result<Fd> await_start(const Plan& plan, const FirstProcess& ends, Progress& progress) {
  progress.at("start");
  if (write(ends.program.report, &launch::HandoverReport::kCreated, 1) != 1)
    return sys::last_error("write");
  char word = 0;
  BERTH_TRY(read_whole(ends.go, &word, sizeof word));
  for (;;) {
    BERTH_ASSIGN(Fd connection, sys::adopt(sys::retry_interrupted([&] {
                                             return accept4(ends.start, nullptr, nullptr,
                                                            SOCK_CLOEXEC);
                                           }),
                                           "accept4"));
    // Nothing said: somebody wanted to know whether the container is still waiting.
    if (!read_whole(connection.get(), &word, sizeof word) || word != launch::kStart) continue;
    auto size = read_state(connection.get());
    if (!size) continue;
    const uint32_t state_size = *size;
    // From here on it is started, whoever asks.
    close(ends.start);
    auto hooked = run_hooks(plan.handover.start_hooks, state_size, progress);
    if (hooked) return connection;
    const Failure failure = describe(progress, hooked.error());
    (void)sys::write_all(connection.get(), reinterpret_cast<const char*>(&failure), sizeof failure);
    return hooked.error();
  }
}

}  // namespace berth::init
