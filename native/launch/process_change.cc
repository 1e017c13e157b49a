#include "launch/process_change.h"

#include <unordered_map>

namespace berth::launch {
namespace {

List<const char*> texts(const std::vector<std::string>& from, PlanStore& store) {
  std::vector<const char*> list;
  list.reserve(from.size());
  for (const std::string& text : from) list.push_back(store.text(text));
  return store.list(std::move(list));
}

}  // namespace

std::vector<std::string> merge_variables(const std::vector<std::string>& entries) {
  std::vector<std::string> merged;
  std::unordered_map<std::string, size_t> places;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    const auto [place, is_new] = places.try_emplace(entry.substr(0, equals), merged.size());
    if (is_new)
      merged.push_back(entry);
    else
      merged[place->second] = entry;
  }
  return merged;
}

void change_process(const ProcessChange& change, PlanStore& store, Plan& plan) {
  Process& process = plan.process;
  process.args = texts(change.args, store);
  std::vector<std::string> env;
  if (change.terminal) env.emplace_back("TERM=xterm");
  env.insert(env.end(), process.env.begin(), process.env.end());
  env.insert(env.end(), change.env.begin(), change.env.end());
  process.env = texts(merge_variables(env), store);
  if (change.user) process.user = store.text(*change.user);
  if (change.cwd) process.cwd = store.text(*change.cwd);
  process.terminal = change.terminal;
  process.rows = change.rows;
  process.columns = change.columns;
  process.init = false;
  process.before = process.after = {};
  plan.input = change.input;
  plan.detach_keys = store.text(change.detach_keys);
  plan.timings = false;
}

}  // namespace berth::launch
