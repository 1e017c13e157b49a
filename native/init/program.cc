#include "init/program.h"
#include "sys/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace berth::init {
namespace {

constexpr uint32_t kMostStrings = 65536;
alignas(4096) const char* environment[kMostStrings + 2];
alignas(4096) const char* arguments[kMostStrings + 1];
char home[sizeof Identity::home + 8];

const char* value_of(const char* const* list, const char* name) {
  const size_t length = strlen(name);
  for (; *list != nullptr; ++list) {
    if (strncmp(*list, name, length) == 0 && (*list)[length] == '=') return *list + length + 1;
  }
  return nullptr;
}

sys::Error execute(const char* path) {
  execve(path, const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  // ENOENT of a file that exists speaks of what the file names: a script's interpreter, a program's loader.
  if (errno == ENOENT && access(path, F_OK) == 0) return sys::Error{ENOENT, "interpreter"};
  return sys::Error{errno, "execve"};
}

/// Number 0: it could be executed.
sys::Error examine(const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) return sys::last_error("execve");
  if (!S_ISREG(status.st_mode)) return {EACCES, "execve"};
  // faccessat2(2), Linux 5.8: with the effective ids and capabilities, which a C library's own would not ask for.
  if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
    return sys::last_error("execve");
  return {0, "execve"};
}

/// Makes `attempt` with each place where the command may lie, as execvp(3) does, until one gives number 0.
sys::Error search(const char* const* env, const char* command, sys::Error (*attempt)(const char*)) {
  if (*command == '\0') return {ENOENT, "execve"};
  if (strchr(command, '/') != nullptr) return attempt(command);

  const char* path = value_of(env, "PATH");
  if (path == nullptr) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  sys::Error best = {ENOENT, "execve"};
  while (true) {
    const size_t length = strcspn(path, ":");
    const sys::Text<4096> candidate(sys::Piece{path, length}, length == 0 ? "" : "/", command);
    if (candidate.whole()) {
      const sys::Error error = attempt(candidate.c_str());
      if (error.number == 0) return error;
      if (error.number != ENOENT && error.number != ENOTDIR) best = error;
      if (strcmp(error.call, "interpreter") == 0) best = error;
    }
    if (path[length] == '\0') return best;
    path += length + 1;
  }
}

/// The plan's variables as a list that ends in null.
sys::Result<void> gather(const launch::Process& process) {
  if (process.args.count > kMostStrings || process.env.count > kMostStrings)
    return sys::Error{E2BIG, "execve"};
  memcpy(arguments, process.args.items, process.args.count * sizeof arguments[0]);
  memcpy(environment, process.env.items, process.env.count * sizeof environment[0]);
  return {};
}

}  // namespace

sys::Result<void> check_program(const launch::Process& process, Progress& progress) {
  progress.at("exec", process.args.items[0]);
  BERTH_TRY(gather(process));
  const sys::Error found = search(environment, process.args.items[0], examine);
  if (found.number != 0) return found;
  return {};
}

sys::Error run_program(const launch::Process& process, const Identity& identity,
                       Progress& progress) {
  progress.at("exec", process.args.items[0]);
  if (auto gathered = gather(process); !gathered) return gathered.error();
  if (value_of(environment, "HOME") == nullptr) {
    sys::copy_text(home, sys::Text<sizeof home>("HOME=", identity.home).c_str());
    environment[process.env.count] = home;
  }
  return search(environment, arguments[0], execute);
}

}  // namespace berth::init
