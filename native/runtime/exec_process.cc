#include <algorithm>
#include <set>

#include "launch/json.h"
#include "runtime/exec.h"
#include "runtime/json_text.h"
#include "runtime/trouble.h"

namespace berth::runtime {
namespace {

using launch::Json;

std::string list_of(const std::vector<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ",") + value;
  return "[" + text + "]";
}

std::string name_of_variable(std::string_view entry) {
  return std::string(entry.substr(0, entry.find('=')));
}

/// The container's variables, each replaced by the last of that name that was given.
std::string environment(const Json& own, const std::vector<std::string>& given) {
  std::set<std::string> replaced;
  std::vector<std::string> added;
  for (auto entry = given.rbegin(); entry != given.rend(); ++entry) {
    if (replaced.insert(name_of_variable(*entry)).second) added.push_back(json_string(*entry));
  }
  std::vector<std::string> all;
  own.each([&](const Json& entry) {
    if (!replaced.contains(name_of_variable(entry.text())))
      all.push_back(json_string(entry.text()));
  });
  all.insert(all.end(), added.rbegin(), added.rend());
  return list_of(all);
}

std::string number(const std::string& flag, const std::string& text) {
  constexpr size_t kMostDigits = 10;
  if (text.empty() || text.size() > kMostDigits ||
      !std::all_of(text.begin(), text.end(), isdigit) || std::stoull(text) >= UINT32_MAX)
    throw Trouble(flag + " " + text + ": must be a number");
  return std::to_string(std::stoull(text));
}

std::string user(const Json& own, const ExecProcess& process) {
  JsonObject object;
  const std::string& text = process.user;
  const size_t colon = text.find(':');
  const bool given = !text.empty();
  object.member("uid",
                given ? number("--user", text.substr(0, colon)) : std::to_string(own["uid"].id()));
  object.member("gid", colon != std::string::npos ? number("--user", text.substr(colon + 1))
                                                  : std::to_string(own["gid"].id()));
  if (own["umask"].present()) object.member("umask", own["umask"].minified());
  std::vector<std::string> groups;
  // Groups are another user's as little as its number is.
  if (!given) own["additionalGids"].each([&](const Json& id) { groups.push_back(id.minified()); });
  for (const auto& group : process.groups) groups.push_back(number("--additional-gids", group));
  return object.member("additionalGids", list_of(groups)).text();
}

std::string capabilities(const Json& own, const std::vector<std::string>& added) {
  JsonObject object;
  own.each_member([&](std::string_view set, const Json& names) {
    std::vector<std::string> list;
    names.each([&](const Json& name) { list.push_back(json_string(name.text())); });
    const bool grows = set == "bounding" || set == "effective" || set == "permitted";
    for (const auto& name : grows ? added : std::vector<std::string>())
      list.push_back(json_string(name.starts_with("CAP_") ? name : "CAP_" + name));
    object.member(set, list_of(list));
  });
  return object.text();
}

std::string process_text(const Json& own, const ExecProcess& process) {
  std::vector<std::string> args;
  for (const auto& word : process.args) args.push_back(json_string(word));
  JsonObject object;
  own.each_member([&](std::string_view key, const Json& value) {
    for (const char* replaced :
         {"args", "terminal", "consoleSize", "env", "cwd", "user", "capabilities",
          "noNewPrivileges", "apparmorProfile", "selinuxLabel"}) {
      if (key == replaced) return;
    }
    object.member(key, value.minified());
  });
  const bool privileges_end = process.no_new_privileges || own["noNewPrivileges"].boolean();
  object.member("args", list_of(args))
      .member("terminal", process.terminal ? "true" : "false")
      .member("env", environment(own["env"], process.env))
      .member("cwd", process.cwd.empty() ? own["cwd"].minified() : json_string(process.cwd))
      .member("user", user(own["user"], process))
      .member("noNewPrivileges", privileges_end ? "true" : "false")
      .member("apparmorProfile", json_string(process.apparmor))
      .member("selinuxLabel", json_string(process.process_label));
  if (own["capabilities"].present() || !process.capabilities.empty())
    object.member("capabilities", capabilities(own["capabilities"], process.capabilities));
  return object.text();
}

}  // namespace

std::string config_with(const std::string& text, const ExecProcess& process) {
  launch::Faults faults;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto error = parser.parse(text).get(document))
    throw Trouble(std::string("config.json: ") + simdjson::error_message(error));
  const Json config(document, "config.json:", faults);
  JsonObject object;
  config.each_member([&](std::string_view key, const Json& value) {
    // Hooks are of the container's life, not of every program's.
    if (key != "process" && key != "hooks") object.member(key, value.minified());
  });
  object.member("process", process.process.empty() ? process_text(config["process"], process)
                                                   : process.process);
  if (faults.any()) throw Trouble(faults.first());
  return object.text();
}

}  // namespace berth::runtime
