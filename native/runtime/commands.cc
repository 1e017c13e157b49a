#include "runtime/commands.h"

#include <linux/limits.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "launch/json.h"
#include "runtime/cgroup_tree.h"
#include "runtime/command_line.h"
#include "runtime/create.h"
#include "runtime/documents.h"
#include "runtime/events.h"
#include "runtime/exec.h"
#include "runtime/json_text.h"
#include "runtime/log.h"
#include "runtime/run.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"

namespace berth::runtime {
namespace {

using Flags = std::vector<Flag>;

struct Globals {
  std::string root;
  bool cgroups = true;
};

struct Verb {
  const char* name;
  const char* usage;
  const char* summary;
  Flags flags;
  size_t least, most;  // arguments
  int (*act)(const Globals& globals, const CommandLine& line);
  bool mixed = true;  // flags may follow arguments
};

std::string absolute(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) == nullptr) fail(path, sys::last_error("realpath"));
  return resolved;
}

ContainerFolder folder_of(const Globals& globals, const CommandLine& line) {
  return {globals.root, line.rest()[0]};
}

uint32_t preserved_descriptors(const CommandLine& line) {
  const std::string text = line.get("preserve-fds", "0");
  constexpr unsigned long kMost = 64;
  if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), isdigit) ||
      std::stoul(text) > kMost)
    throw Trouble("--preserve-fds " + text + ": must be a number, 64 at most");
  return static_cast<uint32_t>(std::stoul(text));
}

CreateRequest create_request(const Globals& globals, const CommandLine& line) {
  CreateRequest request;
  request.root = globals.root;
  request.id = line.rest()[0];
  request.bundle = absolute(line.get("bundle", "."));
  request.pid_file = line.get("pid-file");
  request.console_socket = line.get("console-socket");
  request.cgroups = globals.cgroups;
  request.preserved = preserved_descriptors(line);
  return request;
}

int print(const std::string& text) {
  const bool written = fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || fflush(stdout) != 0) fail("stdout", sys::last_error("write"));
  return 0;
}

int do_create(const Globals& globals, const CommandLine& line) {
  (void)create(create_request(globals, line));
  return 0;
}

int do_run(const Globals& globals, const CommandLine& line) {
  return run({create_request(globals, line), line.has("detach"), line.has("keep")});
}

ExecRequest exec_request(const Globals& globals, const CommandLine& line) {
  ExecRequest request;
  request.root = globals.root;
  request.pid_file = line.get("pid-file");
  request.console_socket = line.get("console-socket");
  request.preserved = preserved_descriptors(line);
  request.detach = line.has("detach");
  ExecProcess& process = request.process;
  constexpr size_t kMost = 4 << 20;
  if (line.has("process")) process.process = read_whole_file(line.get("process"), kMost);
  process.args = {line.rest().begin() + 1, line.rest().end()};
  if (line.has("process") != process.args.empty())
    throw Trouble("exec needs a command, or --process FILE");
  process.terminal = line.has("tty");
  process.cwd = line.get("cwd");
  process.env = line.all("env");
  process.user = line.get("user");
  process.groups = line.all("additional-gids");
  process.capabilities = line.all("cap");
  process.no_new_privileges = line.has("no-new-privs");
  process.apparmor = line.get("apparmor");
  process.process_label = line.get("process-label");
  return request;
}

int do_exec(const Globals& globals, const CommandLine& line) {
  try {
    return exec(folder_of(globals, line), exec_request(globals, line));
  } catch (const std::exception& trouble) {
    // As runc has it: 1 may be the program's own.
    constexpr int kRefused = 255;
    log_error(trouble.what());
    return kRefused;
  }
}

int do_start(const Globals& globals, const CommandLine& line) {
  start(folder_of(globals, line));
  return 0;
}

int do_state(const Globals& globals, const CommandLine& line) {
  const auto folder = folder_of(globals, line);
  const Record record = existing(folder);
  return print(state_text(record, name_of(folder.status(record))) + "\n");
}

int do_kill(const Globals& globals, const CommandLine& line) {
  const std::string signal = line.rest().size() > 1 ? line.rest()[1] : "TERM";
  kill(folder_of(globals, line), signal_number(signal), line.has("all"));
  return 0;
}

int do_delete(const Globals& globals, const CommandLine& line) {
  remove(folder_of(globals, line), line.has("force"));
  return 0;
}

int set_paused(const Globals& globals, const CommandLine& line, bool paused) {
  const auto folder = folder_of(globals, line);
  const sys::Fd lock = folder.lock();
  const Record record = existing(folder);
  const Status status = folder.status(record);
  const bool fits =
      paused ? status == Status::kRunning || status == Status::kCreated : status == Status::kPaused;
  if (!fits)
    throw Trouble("container `" + folder.id() + "` cannot be " + (paused ? "paused" : "resumed") +
                  ": it is " + name_of(status));
  set_frozen(record.cgroups, paused);
  return 0;
}

int do_pause(const Globals& globals, const CommandLine& line) {
  return set_paused(globals, line, true);
}
int do_resume(const Globals& globals, const CommandLine& line) {
  return set_paused(globals, line, false);
}

int do_update(const Globals& globals, const CommandLine& line) {
  if (!line.has("resources")) throw Trouble("update needs --resources FILE");
  const std::string file = line.get("resources");
  constexpr size_t kMost = 1 << 20;
  update(folder_of(globals, line), read_whole_file(file == "-" ? "/dev/stdin" : file, kMost));
  return 0;
}

int do_ps(const Globals& globals, const CommandLine& line) {
  const auto folder = folder_of(globals, line);
  const auto pids = members(existing(folder).cgroups);
  if (line.get("format", "table") == "json") {
    std::string list;
    for (const pid_t pid : pids) list += (list.empty() ? "" : ",") + std::to_string(pid);
    return print("[" + list + "]\n");
  }
  std::string table = "PID\n";
  for (const pid_t pid : pids) table += std::to_string(pid) + "\n";
  return print(table);
}

int do_list(const Globals& globals, const CommandLine& line) {
  const bool json = line.get("format", "table") == "json", quiet = line.has("quiet");
  std::string objects, table = quiet ? "" : "ID\tPID\tSTATUS\tBUNDLE\tCREATED\n";
  for (const auto& id : container_ids(globals.root)) {
    const ContainerFolder folder(globals.root, id);
    const auto record = folder.read();
    if (!record) continue;
    const char* status = name_of(folder.status(*record));
    objects += (objects.empty() ? "" : ",") + state_text(*record, status);
    table += id;
    if (!quiet)
      table += "\t" + std::to_string(record->pid) + "\t" + status + "\t" + record->bundle + "\t" +
               record->created;
    table += "\n";
  }
  return print(json && !quiet ? "[" + objects + "]\n" : table);
}

int do_events(const Globals& globals, const CommandLine& line) {
  events(folder_of(globals, line),
         {line.has("stats"), milliseconds_of(line.get("interval", "5s"))});
  return 0;
}

int do_features(const Globals&, const CommandLine&) { return print(features_text() + "\n"); }

int do_spec(const Globals&, const CommandLine& line) {
  const std::string path = line.get("bundle", ".") + "/config.json";
  if (access(path.c_str(), F_OK) == 0) throw Trouble(path + ": is there already");
  write_whole_file(path, sample_config(), 0644);
  return 0;
}

const Flags kCreateFlags = {
    {"bundle", "b", true},      {"pid-file", "", true}, {"console-socket", "", true},
    {"preserve-fds", "", true}, {"no-pivot"},           {"no-new-keyring"}};

Flags with(Flags flags, const Flags& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      {"create", "[--bundle DIR] [--pid-file F] [--console-socket S] [--preserve-fds N] ID",
       "make a container; its first process waits for start", kCreateFlags, 1, 1, do_create},
      {"start", "ID", "let a created container run its program", {}, 1, 1, do_start},
      {"run", "[--detach] [--keep] [create's flags] ID",
       "create and start, to the end unless detached",
       with(kCreateFlags, {{"detach", "d"}, {"keep"}}), 1, 1, do_run},
      {"exec",
       "[--detach] [--pid-file F] [--process FILE] [--tty --console-socket S] [--user UID[:GID]] "
       "[--cwd DIR] [--env NAME=VALUE] "
       "[--additional-gids GID] [--cap NAME] [--no-new-privs] [--preserve-fds N] ID [CMD [ARG...]]",
       "run one more program in a container",
       {{"detach", "d"},
        {"pid-file", "", true},
        {"process", "p", true},
        {"tty", "t"},
        {"console-socket", "", true},
        {"user", "u", true},
        {"cwd", "", true},
        {"env", "e", true},
        {"additional-gids", "g", true},
        {"cap", "c", true},
        {"no-new-privs"},
        {"preserve-fds", "", true},
        {"apparmor", "", true},
        {"process-label", "", true}},
       1,
       SIZE_MAX,
       do_exec,
       false},
      {"state", "ID", "print a container's state as JSON", {}, 1, 1, do_state},
      {"kill",
       "[--all] ID [SIGNAL]",
       "send a signal, TERM if none is named",
       {{"all", "a"}},
       1,
       2,
       do_kill},
      {"delete", "[--force] ID", "remove a stopped container", {{"force", "f"}}, 1, 1, do_delete},
      {"pause", "ID", "freeze all processes of a container", {}, 1, 1, do_pause},
      {"resume", "ID", "thaw them", {}, 1, 1, do_resume},
      {"ps",
       "[--format table|json] ID",
       "list the processes of a container",
       {{"format", "f", true}},
       1,
       1,
       do_ps},
      {"update",
       "--resources FILE ID",
       "change a container's limits",
       {{"resources", "r", true}},
       1,
       1,
       do_update},
      {"list",
       "[--quiet] [--format table|json]",
       "list the containers of the root",
       {{"format", "f", true}, {"quiet", "q"}},
       0,
       0,
       do_list},
      {"events",
       "[--stats] [--interval 5s] ID",
       "print what a container uses, again and again, and when its memory runs out",
       {{"stats"}, {"interval", "", true}},
       1,
       1,
       do_events},
      {"features", "", "print what this runtime can do as JSON", {}, 0, 0, do_features},
      {"spec",
       "[--bundle DIR]",
       "write a config.json to begin with",
       {{"bundle", "b", true}},
       0,
       0,
       do_spec},
  };
  return all;
}

std::string help() {
  std::string text =
      "berth-runtime [FLAGS] VERB …: runs OCI bundles for podman, containerd and others\n\n"
      "  --root DIR            where containers are remembered (/run/berth-runtime)\n"
      "  --log FILE            where errors go besides stderr\n"
      "  --log-format FORMAT   text or json\n"
      "  --cgroup-manager M    cgroupfs, or disabled: leave cgroups alone\n"
      "  --version, --help\n\n";
  for (const Verb& verb : verbs())
    text += std::string("  ") + verb.name + " " + verb.usage + "\n      " + verb.summary + "\n";
  return text;
}

int act(const Globals& globals, const std::vector<std::string>& words) {
  const auto verb = std::find_if(verbs().begin(), verbs().end(),
                                 [&](const Verb& each) { return words[0] == each.name; });
  if (verb == verbs().end()) throw Trouble("no such verb: `" + words[0] + "`");
  const auto line = CommandLine::parse({words.begin() + 1, words.end()},
                                       with(verb->flags, {{"help", "h"}}), verb->mixed);
  if (line.has("help"))
    return print(std::string("berth-runtime ") + verb->name + " " + verb->usage + "\n" +
                 verb->summary + "\n");
  if (line.rest().size() < verb->least || line.rest().size() > verb->most)
    throw Trouble(std::string("usage: berth-runtime ") + verb->name + " " + verb->usage);
  return verb->act(globals, line);
}

}  // namespace

int run_command(const std::vector<std::string>& words) {
  const auto line = CommandLine::parse(words,
                                       {{"root", "", true},
                                        {"log", "", true},
                                        {"log-format", "", true},
                                        {"systemd-cgroup", "s"},
                                        {"cgroup-manager", "", true},
                                        {"rootless", "", true},
                                        {"criu", "", true},
                                        {"debug"},
                                        {"version", "v"},
                                        {"help", "h"}},
                                       false);
  log_to(line.get("log"), line.get("log-format", "text"));
  if (line.has("version")) return print("berth-runtime version " BERTH_VERSION "\nspec: 1.1.0\n");
  if (line.has("help")) return print(help());
  if (line.rest().empty()) {
    (void)fputs(help().c_str(), stderr);
    return 1;
  }
  const std::string manager = line.get("cgroup-manager", "cgroupfs");
  if (line.has("systemd-cgroup") || manager == "systemd")
    throw Trouble("the systemd cgroup manager is not supported: tell the caller to use cgroupfs");
  if (manager != "cgroupfs" && manager != "disabled")
    throw Trouble("--cgroup-manager " + manager + ": must be cgroupfs or disabled");
  Globals globals;
  globals.root = line.get("root", "/run/berth-runtime");
  if (!globals.root.starts_with('/')) globals.root = absolute(".") + "/" + globals.root;
  while (globals.root.size() > 1 && globals.root.ends_with('/')) globals.root.pop_back();
  globals.cgroups = manager == "cgroupfs";
  return act(globals, line.rest());
}

}  // namespace berth::runtime
