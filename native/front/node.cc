#include "front/node.h"

#include <linux/limits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "front/exit_status.h"

namespace berth::front {

std::string installation_folder() {
  char path[PATH_MAX] = "";
  // Where no proc is mounted, the kernel still tells what was executed (getauxval(3)).
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length > 0) {
    path[length] = '\0';
  } else {
    const unsigned long address = getauxval(AT_EXECFN);
    const char* executed = nullptr;
    memcpy(&executed, &address, sizeof executed);
    if (realpath(executed, path) == nullptr) return "";
  }
  std::string folder(path);
  const auto leave = [&] {
    if (!folder.empty()) folder.erase(folder.rfind('/'));
  };
  leave();
  // Where links were copied as what they lead to it is bin/berth itself, else build/Release/berth-front.
  if (!folder.ends_with("/bin")) leave();
  leave();
  return folder;
}

int become_node(const std::string& installation, const std::vector<std::string>& words) {
  const std::string script = installation + "/bin/berth.cjs";
  // The two dashes: Node 20 takes `--env-file FILE` for itself wherever it stands, and obeys NODE_OPTIONS in that file.
  std::vector<const char*> argv = {"node"};
  // As src/service/daemon-node.ts explains: they live for months, and mostly wait.
  if (!words.empty() && (words[0] == "agent" || words[0] == "master")) {
    argv.push_back("--max-semi-space-size=4");
    argv.push_back("--no-parallel-scavenge");
    setenv("MALLOC_ARENA_MAX", "2", 0);
  }
  argv.push_back("--");
  argv.push_back(script.c_str());
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  // Signals that were held for a program are Node's to have.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  auto* const arguments = const_cast<char* const*>(argv.data());
  execvp("node", arguments);
  const int why = errno;
  // Whoever has a PATH of root's alone need not have the Node in it that berth was built with.
  execv(BERTH_NODE, arguments);
  fprintf(stderr,
          "berth: node: cannot be started: %s\nInstall Node.js 20 or newer, and have it in PATH.\n",
          strerror(why));
  return kRefused;
}

}  // namespace berth::front
