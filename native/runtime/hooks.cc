#include "runtime/hooks.h"

#include <sys/wait.h>

#include <cstring>

#include "launch/oci_bundle.h"
#include "runtime/log.h"
#include "runtime/trouble.h"
#include "sys/child_program.h"

namespace berth::runtime {
namespace {

std::vector<const char*> ended(const launch::List<const char*>& list) {
  std::vector<const char*> words(list.begin(), list.end());
  words.push_back(nullptr);
  return words;
}

/// Empty: it did what it was to do.
std::string run_hook(const launch::Hook& hook, const std::string& state) {
  const auto argv = ended(hook.args), envp = ended(hook.env);
  auto outcome = sys::run_to_end({hook.path, argv.data(), envp.data(), state.data(), state.size(),
                                  hook.timeout == 0 ? -1 : static_cast<int>(hook.timeout) * 1000});
  if (!outcome) {
    if (outcome.error().number == ETIMEDOUT) return "took too long and was killed";
    return std::string(outcome.error().call) + ": " + strerror(outcome.error().number);
  }
  const int status = *outcome;
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

void run_hooks(const launch::Json& config, const char* moment, const std::string& state,
               bool lenient) {
  launch::PlanStore store;
  for (const auto& hook : launch::read_hooks(config["hooks"][moment], store)) {
    const std::string trouble = run_hook(hook, state);
    if (trouble.empty()) continue;
    const std::string text = std::string(moment) + " hook " + hook.path + ": " + trouble;
    if (!lenient) throw Trouble(text);
    warn(text);
  }
}

void run_kept_hooks(const std::string& config, const char* moment, const std::string& state,
                    bool lenient) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  launch::Faults faults;
  if (const auto error = parser.parse(config).get(document))
    throw Trouble(std::string("config.json: ") + simdjson::error_message(error));
  run_hooks(launch::Json(document, "config.json:", faults), moment, state, lenient);
}

}  // namespace berth::runtime
