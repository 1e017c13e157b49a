// `berth exec`: one more program in a container (src/cli/verbs/exec.ts).
#include <unistd.h>

#include "front/container.h"
#include "front/exit_status.h"
#include "front/foreground.h"
#include "front/json_text.h"
#include "front/small_file.h"
#include "front/verb.h"
#include "launch/json.h"

namespace berth::front {
namespace {

constexpr Flag kFlags[] = {kRootFlag,           kStateFlag,
                           {"json", 0, false},  {"interactive", 'i', false},
                           {"tty", 't', false}, {"detach", 'd', false},
                           {"user", 'u', true}, {"workdir", 'w', true},
                           {"env", 'e', true}};

/// As Docker has it: ctrl-p,ctrl-q.
constexpr char kDetachKeys[] = "1011";

/// NAME alone takes the value from this environment, if there is one. False: it is no variable.
bool add_variable(const std::string& text, std::vector<std::string>& env) {
  const size_t equals = text.find('=');
  if (equals == 0 || text.empty()) return false;
  if (equals != std::string::npos) {
    env.push_back(text);
  } else if (const char* const value = getenv(text.c_str())) {
    env.push_back(text + "=" + value);
  }
  return all_utf8({env.empty() ? "" : env.back()});
}

std::optional<launch::ProcessChange> change_of(const FlagWords& flags, const Words& words) {
  launch::ProcessChange change;
  change.args.assign(words.begin() + static_cast<long>(flags.rest) + 1, words.end());
  for (const GivenFlag& each : flags.given) {
    if (each.flag->name == "env" && !add_variable(each.value, change.env)) return {};
  }
  change.user = flags.last("user");
  change.cwd = flags.last("workdir");
  if (change.cwd && !change.cwd->starts_with('/')) return {};
  change.terminal = flags.has("tty");
  change.input = flags.has("interactive");
  if (!flags.has("detach")) change.detach_keys = kDetachKeys;
  return change;
}

std::string failed(const RunningContainer& container, const std::string& failure) {
  return R"({"verb":"exec","kind":"exec-failed","name":)" + json_string(container.name) +
         ",\"image\":" + json_string(container.image) + ",\"failure\":" + failure + "}";
}

int finish(const Command& command, const Outcome& outcome) {
  simdjson::dom::parser parser;
  int64_t status = 0;
  if (parser.parse(outcome.told)["status"].get(status) != simdjson::SUCCESS) return kLost;
  if (outcome.undelivered.empty()) return static_cast<int>(status);
  return finish_in_node(command, R"({"verb":"exec","kind":"ended","id":null,"exit":)" +
                                     outcome.told +
                                     ",\"undelivered\":" + json_string(outcome.undelivered) + "}");
}

int leave_running(const Command& command, const RunningContainer& container,
                  const std::string& pid) {
  const std::string text = R"({"id":)" + json_string(container.id) + ",\"pid\":" + pid + "}\n";
  if (write_out(text)) return 0;
  return finish_in_node(command,
                        R"({"verb":"exec","kind":"print","text":)" + json_string(text) + "}");
}

}  // namespace

Status exec_verb(const Command& command) {
  const auto flags = parse_flags(command.words, 1, kFlags);
  // The container and a command at least.
  if (!flags || command.words.size() < flags->rest + 2) return {};
  const auto roots = plain_roots(*flags);
  auto change = change_of(*flags, command.words);
  if (!roots || !change) return {};
  const auto container = find_running(*roots, command.words[flags->rest]);
  if (!container) return {};
  const auto config = read_small_file(container->folder + "/config.json", 64 << 20);
  const auto facts = read_small_file(container->folder + "/launch.json", 64 << 20);
  if (!config || !facts) return {};

  const bool detach = flags->has("detach");
  Foreground foreground(change->terminal && !detach, change->input && !detach, false);
  if (foreground.lacks_terminal()) return {};
  settle_process();
  if (const auto size = foreground.size()) {
    change->rows = size->rows;
    change->columns = size->columns;
  }
  launch::ExecRequest request{
      *config, *facts, *change, command.supervisor(), container->pid, container->started};
  if (!detach) {
    request.client[0] = change->input ? STDIN_FILENO : -1;
    request.client[1] = STDOUT_FILENO;
    request.client[2] = STDERR_FILENO;
    foreground.begin();
  }
  launch::Launcher launcher;
  auto started = launcher.exec(request);
  // Nothing was started: the JavaScript meets the same, and has words for it.
  if (std::holds_alternative<launch::Failure>(started)) return {};
  auto& launched = std::get<launch::Launched>(started);
  Leash leash(std::move(launched.leash));
  Outcome outcome = await_start(leash);
  if (outcome.kind != Outcome::kRuns) {
    reap(launched.supervisor);
    foreground.end();
    return finish_in_node(
        command, failed(*container, outcome.kind == Outcome::kFailed ? outcome.told : "null"));
  }
  if (detach) return flags->has("json") ? leave_running(command, *container, outcome.told) : 0;
  outcome = foreground.follow(leash);
  if (outcome.kind == Outcome::kDetached) return 0;
  if (outcome.kind == Outcome::kHungUp) return kHungUp;
  reap(launched.supervisor);
  return outcome.kind == Outcome::kExited ? finish(command, outcome) : kLost;
}

}  // namespace berth::front
