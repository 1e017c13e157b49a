#include "init/program.h"
#include "sys/text.h"

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

}  // namespace

sys::Error run_program(const launch::Process& process, const Identity& identity,
                       Progress& progress) {
  if (process.args.count > kMostStrings || process.env.count > kMostStrings)
    return {E2BIG, "execve"};
  memcpy(arguments, process.args.items, process.args.count * sizeof arguments[0]);
  memcpy(environment, process.env.items, process.env.count * sizeof environment[0]);
  if (value_of(environment, "HOME") == nullptr) {
    sys::copy_text(home, sys::Text<sizeof home>("HOME=", identity.home).c_str());
    environment[process.env.count] = home;
  }

  const char* command = arguments[0];
  progress.at("exec", command);
  if (*command == '\0') return {ENOENT, "execve"};
  if (strchr(command, '/') != nullptr) return execute(command);

  const char* path = value_of(environment, "PATH");
  if (path == nullptr) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  sys::Error best = {ENOENT, "execve"};
  while (true) {
    const size_t length = strcspn(path, ":");
    const sys::Text<4096> candidate(sys::Piece{path, length}, length == 0 ? "" : "/", command);
    if (candidate.whole()) {
      const sys::Error error = execute(candidate.c_str());
      if (error.number != ENOENT && error.number != ENOTDIR) best = error;
      if (strcmp(error.call, "interpreter") == 0) best = error;
    }
    if (path[length] == '\0') return best;
    path += length + 1;
  }
}

}  // namespace berth::init
