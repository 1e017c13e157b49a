// `berth run` of a command line that the JavaScript has launched before (src/cli/verbs/run.ts).
#include <unistd.h>

#include "front/exit_status.h"
#include "front/foreground.h"
#include "front/json_text.h"
#include "front/new_container.h"
#include "front/recipe.h"
#include "front/sweep.h"
#include "front/verb.h"
#include "launch/json.h"

namespace berth::front {
namespace {

/// Those that mean what their words say: src/cli/plain-run.ts keeps recipes for no others.
constexpr Flag kFlags[] = {kRootFlag,
                           kStateFlag,
                           {"json"},
                           {"rm"},
                           {"quiet", 'q'},
                           {"detach", 'd'},
                           {"interactive", 'i'},
                           {"tty", 't'},
                           {"init"},
                           {"read-only"},
                           {"env", 'e', true},
                           {"workdir", 'w', true},
                           {"user", 'u', true},
                           {"entrypoint", 0, true},
                           {"hostname", 'h', true},
                           {"domainname", 0, true},
                           {"label", 'l', true},
                           {"annotation", 0, true},
                           {"ulimit", 0, true},
                           {"stop-signal", 0, true},
                           {"stop-timeout", 0, true},
                           {"umask", 0, true},
                           {"group-add", 0, true},
                           {"shm-size", 0, true},
                           {"memory", 'm', true},
                           {"memory-swap", 0, true},
                           {"memory-reservation", 0, true},
                           {"cpus", 0, true},
                           {"cpu-shares", 'c', true},
                           {"pids-limit", 0, true},
                           {"cap-add", 0, true},
                           {"cap-drop", 0, true},
                           {"network", 0, true},
                           {"oom-score-adj", 0, true},
                           {"sysctl", 0, true}};

/// What is launched, from which recipe.
struct Run {
  const Command& command;
  const Roots& roots;
  const Recipe& recipe;
  bool detach, json;
};

/// A variable that is named alone takes its value from the environment.
bool means_its_words(const FlagWords& flags) {
  for (const GivenFlag& each : flags.given) {
    if (each.flag->name == "env" && each.value.find('=') == std::string::npos) return false;
    if (each.flag->name == "network" && each.value != "none") return false;
  }
  return true;
}

/// `members`: JSON members of what is to be told, a comma before each.
int finish(const Run& run, const std::string& id, const char* kind, const std::string& members) {
  return finish_in_node(run.command, R"({"verb":"run","kind":")" + std::string(kind) +
                                         R"(","id":)" + json_string(id) + members + "}");
}

std::string roots_member(const Roots& roots) {
  return R"(,"roots":{"root":)" + json_string(roots.root) +
         ",\"state\":" + json_string(roots.state) + "}";
}

/// A cgroup of the scope that was not there any more: launched once more, that makes it anew.
bool scope_has_gone(const Recipe& recipe, const std::string& failure) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  int64_t number = 0;
  std::string_view subject;
  return !recipe.scope.empty() && parser.parse(failure).get(json) == simdjson::SUCCESS &&
         json["errno"].get(number) == simdjson::SUCCESS && (number == ENOENT || number == ENODEV) &&
         json["subject"].get(subject) == simdjson::SUCCESS &&
         subject.starts_with(recipe.scope + "/");
}

Status not_started(const Run& run, NewContainer& container, const Outcome& outcome) {
  container.settle();
  // Its supervisor was killed, and may have had the program run: it is not run again.
  if (outcome.kind != Outcome::kFailed)
    return finish(run, container.id(), "silent", roots_member(run.roots));
  container.remove_folder();
  sweep_shared(run.roots, run.recipe);
  if (scope_has_gone(run.recipe, outcome.told)) return {};
  return finish(run, container.id(), "launch-failed",
                ",\"image\":" + json_string(run.recipe.image) + ",\"failure\":" + outcome.told);
}

int leave_running(const Run& run, const std::string& id, const std::string& pid) {
  const std::string name = json_string(id);
  const std::string text =
      run.json ? R"({"id":)" + name + ",\"name\":" + name + ",\"pid\":" + pid + "}\n" : id + "\n";
  if (!write_out(text)) {
    return finish(
        run, id, "announce",
        roots_member(run.roots) + ",\"pid\":" + pid + ",\"json\":" + (run.json ? "true" : "false"));
  }
  sweep_shared(run.roots, run.recipe);
  return 0;
}

int ended(const Run& run, const std::string& id, const Outcome& outcome) {
  sweep_shared(run.roots, run.recipe);
  if (outcome.kind == Outcome::kDetached) return 0;
  if (outcome.kind == Outcome::kHungUp) return kHungUp;
  simdjson::dom::parser parser;
  simdjson::dom::element exit;
  int64_t status = 0;
  bool oom_killed = false;
  const bool understood = parser.parse(outcome.told).get(exit) == simdjson::SUCCESS &&
                          exit["status"].get(status) == simdjson::SUCCESS &&
                          exit["oom_killed"].get(oom_killed) == simdjson::SUCCESS;
  if (understood && !oom_killed && outcome.undelivered.empty()) return static_cast<int>(status);
  const std::string undelivered =
      outcome.undelivered.empty() ? "null" : json_string(outcome.undelivered);
  return finish(run, id, "ended", ",\"exit\":" + outcome.told + ",\"undelivered\":" + undelivered);
}

Status launch(const Run& run, NewContainer& container, launch::LaunchRequest& request,
              Foreground& foreground) {
  request.supervisor = run.command.supervisor();
  launch::Launcher launcher;
  auto started = launcher.launch(request);
  if (std::holds_alternative<launch::Failure>(started)) {
    // Nothing was started: the JavaScript meets the same, and has words for it.
    container.remove_folder();
    return {};
  }
  auto& launched = std::get<launch::Launched>(started);
  Leash leash(std::move(launched.leash));
  Outcome outcome = await_start(leash);
  if (outcome.kind != Outcome::kRuns) {
    reap(launched.supervisor);
    foreground.end();
    return not_started(run, container, outcome);
  }
  container.settle();
  if (run.detach) return leave_running(run, container.id(), outcome.told);
  outcome = foreground.follow(leash);
  if (outcome.kind != Outcome::kDetached && outcome.kind != Outcome::kHungUp)
    reap(launched.supervisor);
  if (outcome.kind == Outcome::kLost)
    return finish(run, container.id(), "lost", roots_member(run.roots));
  return ended(run, container.id(), outcome);
}

}  // namespace

Status run_verb(const Command& command) {
  const Words& words = command.words;
  const auto flags = parse_flags(words, 1, kFlags);
  if (!flags || flags->rest == words.size() || !means_its_words(*flags)) return {};
  const auto roots = plain_roots(*flags);
  if (!roots) return {};
  const auto at = [&](size_t index) { return words.begin() + static_cast<long>(index); };
  const Words asked(at(1), at(flags->rest + 1));
  const auto recipe = find_recipe(command.installation, *roots, asked);
  if (!recipe) return {};
  const Words given(at(flags->rest + 1), words.end());
  if (given.empty() ? !recipe->has_command() : given[0].empty()) return {};
  if (!recipe->scope.empty() && access(recipe->scope.c_str(), F_OK) != 0) return {};

  const Run run = {command, *roots, *recipe, flags->has("detach"), flags->has("json")};
  const bool input = flags->has("interactive");
  Foreground foreground(flags->has("tty") && !run.detach, input && !run.detach, true);
  const auto size = foreground.size();
  if (foreground.lacks_terminal() || size.has_value() != recipe->sized) return {};
  settle_process();
  auto container = NewContainer::claim(*roots, *recipe);
  if (!container) return {};
  // From the claim on nobody removes layers; until then somebody may have.
  if (!find_recipe(command.installation, *roots, asked)) return {};
  if (size) container->set_size(size->rows, size->columns);
  auto request = container->describe(*recipe, given);
  if (!request) return {};
  if (!run.detach) {
    request->client[0] = input ? STDIN_FILENO : -1;
    request->client[1] = STDOUT_FILENO;
    request->client[2] = STDERR_FILENO;
    foreground.begin();
  }
  const Status status = launch(run, *container, *request, foreground);
  foreground.end();
  return status;
}

}  // namespace berth::front
