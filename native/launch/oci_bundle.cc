#include "launch/oci_bundle.h"

#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "launch/oci_mount.h"
#include "sys/kernel.h"

namespace berth::launch {
namespace {

using std::string_view;

/// Those that the specification promises (config-linux.md, default devices), but for /dev/console and /dev/ptmx, which are no nodes of their own.
constexpr Device kDefaultDevices[] = {
    {"/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},    {"/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0},
    {"/dev/full", S_IFCHR, 1, 7, 0666, 0, 0},    {"/dev/random", S_IFCHR, 1, 8, 0666, 0, 0},
    {"/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0}, {"/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0},
};

void read_root(const Json& config, const std::string& bundle, PlanStore& store, Plan& plan) {
  const string_view path = config["root"]["path"].required_text();
  if (path.empty()) config["root"]["path"].fault("is missing");
  plan.rootfs.directory =
      store.text(path.starts_with('/') ? std::string(path) : bundle + "/" + std::string(path));
  plan.rootfs.recursive = true;
  const Json propagation = config["linux"]["rootfsPropagation"];
  const string_view word = propagation.text();
  if (word.empty()) return;
  const uint64_t flags = propagation_of(word);
  if (flags == 0) return propagation.fault("is no propagation that Linux has");
  plan.rootfs.propagation = (flags & MS_PRIVATE) != 0 ? 0 : flags;
}

void add_default_devices(PlanStore& store, Plan& plan) {
  std::vector<Device> devices(plan.devices.begin(), plan.devices.end());
  for (const Device& usual : kDefaultDevices) {
    const auto is_same = [&](const Device& other) { return strcmp(other.path, usual.path) == 0; };
    if (std::none_of(devices.begin(), devices.end(), is_same)) devices.push_back(usual);
  }
  plan.devices = store.list(std::move(devices));
}

void read_time_offsets(const Json& offsets, PlanStore& store, Plan& plan) {
  std::string lines;
  offsets.each_member([&](string_view clock, const Json& offset) {
    if (clock != "monotonic" && clock != "boottime")
      return offset.fault("is no clock that a time namespace has");
    lines += std::string(clock) + " " +
             std::to_string(offset["secs"].integer(INT64_MIN, INT64_MAX)) + " " +
             std::to_string(offset["nanosecs"].integer(0, 999999999)) + "\n";
  });
  if (!lines.empty() && (plan.namespaces & sys::kernel::kCloneNewTime) == 0)
    return offsets.fault("needs a time namespace of the container's own");
  plan.time_offsets = store.text(lines);
}

void read_personality(const Json& personality, Process& process) {
  if (!personality.present()) return;
  const string_view domain = personality["domain"].required_text();
  if (domain != "LINUX" && domain != "LINUX32")
    return personality["domain"].fault("must be LINUX or LINUX32");
  personality["flags"].each([](const Json& flag) { flag.fault("is no flag that berth supports"); });
  process.set_personality = true;
  process.personality = domain == "LINUX32" ? unsigned{PER_LINUX32} : unsigned{PER_LINUX};
}

}  // namespace

std::vector<Hook> read_hooks(const Json& hooks, PlanStore& store) {
  std::vector<Hook> list;
  hooks.each([&](const Json& item) {
    Hook hook;
    const string_view path = item["path"].required_text();
    if (!path.starts_with('/')) return item["path"].fault("must be an absolute path");
    hook.path = store.text(path);
    std::vector<const char*> args, env;
    item["args"].each([&](const Json& each) { args.push_back(store.text(each.text())); });
    // args[0] is the program's name, as execv(3) has it; without any, its path.
    if (args.empty()) args.push_back(hook.path);
    item["env"].each([&](const Json& each) { env.push_back(store.text(each.text())); });
    hook.args = store.list(std::move(args));
    hook.env = store.list(std::move(env));
    constexpr int64_t kLongest = 1000000;  // seconds
    hook.timeout = static_cast<uint32_t>(item["timeout"].integer(1, kLongest, 0));
    list.push_back(hook);
  });
  return list;
}

void read_bundle(const Json& config, const std::string& bundle, PlanStore& store, Plan& plan) {
  plan.handover.wanted = true;
  const Json process = config["process"];
  plan.handover.terminal = process["terminal"].boolean();
  constexpr int64_t kMostCells = 65535;
  plan.handover.rows =
      static_cast<uint32_t>(process["consoleSize"]["height"].integer(0, kMostCells));
  plan.handover.columns =
      static_cast<uint32_t>(process["consoleSize"]["width"].integer(0, kMostCells));
  read_root(config, bundle, store, plan);
  add_default_devices(store, plan);
  const Json linux_section = config["linux"];
  read_personality(linux_section["personality"], plan.process);
  read_time_offsets(linux_section["timeOffsets"], store, plan);
  const Json hooks = config["hooks"];
  plan.handover.runtime_hooks = read_hooks(hooks["prestart"], store).size() +
                                    read_hooks(hooks["createRuntime"], store).size() >
                                0;
  plan.handover.create_hooks = store.list(read_hooks(hooks["createContainer"], store));
  plan.handover.start_hooks = store.list(read_hooks(hooks["startContainer"], store));
  for (const char* later : {"poststart", "poststop"}) (void)read_hooks(hooks[later], store);
}

}  // namespace berth::launch
