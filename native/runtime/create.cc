#include "runtime/create.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <cstring>

#include "launch/handover.h"
#include "launch/oci_bundle.h"
#include "launch/oci_config.h"
#include "runtime/builder.h"
#include "runtime/cgroup_mount.h"
#include "runtime/cgroup_tree.h"
#include "runtime/hooks.h"
#include "runtime/log.h"
#include "runtime/trouble.h"
#include "sys/kernel.h"

namespace berth::runtime {
namespace {

using launch::HandoverReport;
using launch::Json;
using launch::Plan;
using sys::Fd;

constexpr size_t kMostConfig = 4 << 20;

/// What every container may use, besides what its config.json allows (config-linux.md, default devices): the nodes that all have, and pseudo-terminals. Making
/// nodes harms nobody: using them is what is checked.
void allow_usual_devices(launch::Limits& limits) {
  const auto rule = [](bool allow, char type, std::optional<uint32_t> major,
                       std::optional<uint32_t> minor, bool use) {
    launch::DeviceRule made;
    made.allow = allow;
    made.type = type;
    made.major = major;
    made.minor = minor;
    made.read = made.write = use;
    made.make = true;
    return made;
  };
  auto& rules = limits.devices;
  if (rules.empty()) rules.push_back(rule(false, 'a', {}, {}, true));
  if (rules.back().allow && rules.back().type == 'a') return;
  for (const char type : {'c', 'b'}) rules.push_back(rule(true, type, {}, {}, false));
  for (const uint32_t minor : {3U, 5U, 7U, 8U, 9U})
    rules.push_back(rule(true, 'c', 1, minor, true));
  for (const uint32_t minor : {0U, 2U}) rules.push_back(rule(true, 'c', 5, minor, true));
  rules.push_back(rule(true, 'c', 136, {}, true));
}

/// A bundle as this host will run it.
struct Bundle {
  std::string config_text;
  simdjson::dom::parser parser;
  launch::Faults faults;
  std::optional<Json> config;
  launch::PlanStore store;
  Plan plan;
  launch::Limits limits;
  CgroupLayout layout;
  launch::CgroupPlaces cgroups;
};

void read(const CreateRequest& request, const ContainerFolder& folder, Bundle& bundle) {
  bundle.config_text = read_whole_file(request.bundle + "/config.json", kMostConfig);
  simdjson::dom::element document;
  if (const auto error = bundle.parser.parse(bundle.config_text).get(document))
    throw Trouble(std::string("config.json: ") + simdjson::error_message(error));
  bundle.config.emplace(document, "config.json:", bundle.faults);
  const Json& config = *bundle.config;
  Plan& plan = bundle.plan;
  launch::read_oci_config(config, bundle.store, plan, bundle.limits, &request.bundle);
  launch::read_bundle(config, request.bundle, bundle.store, plan);
  const std::string cgroups_path(config["linux"]["cgroupsPath"].text());
  if (!plan.handover.terminal && !request.console_socket.empty())
    config["process"]["terminal"].fault("must be true where there is a console socket");
  if (plan.handover.terminal && request.console_socket.empty() && request.console < 0)
    config["process"]["terminal"].fault("needs --console-socket");
  if (bundle.faults.any()) throw Trouble(bundle.faults.first());

  plan.id = bundle.store.text(folder.id());
  plan.root = bundle.store.text(request.root);
  plan.state_directory = bundle.store.text(folder.path());
  plan.handover.preserved = request.preserved;
  if (!request.cgroups) {
    bundle.limits.devices.clear();
    return;
  }
  bundle.layout = CgroupLayout::detect();
  const bool devices_asked = !bundle.limits.devices.empty();
  const bool can_limit_devices =
      bundle.layout.unified_controls() || bundle.layout.v1.contains("devices");
  if (devices_asked || can_limit_devices) allow_usual_devices(bundle.limits);
  bundle.cgroups = cgroup_places(bundle.layout, cgroups_path, folder.id(), bundle.limits);
  plan.cgroup.unified = bundle.store.text(bundle.cgroups.unified);
  std::vector<const char*> v1;
  for (const auto& place : bundle.cgroups.v1) {
    const auto& path = place.second;
    const auto is_same = [&](const char* other) { return path == other; };
    if (std::none_of(v1.begin(), v1.end(), is_same)) v1.push_back(bundle.store.text(path));
  }
  plan.cgroup.v1 = bundle.store.list(std::move(v1));
}

Record describe(const CreateRequest& request, const Bundle& bundle) {
  const Json& config = *bundle.config;
  Record record;
  record.id = request.id;
  record.bundle = request.bundle;
  record.rootfs = bundle.plan.rootfs.directory;
  record.oci_version = std::string(config["ociVersion"].text());
  record.created = timestamp();
  record.annotations =
      config["annotations"].present() ? config["annotations"].minified() : std::string("{}");
  record.has_hooks =
      config["hooks"]["poststart"].present() || config["hooks"]["poststop"].present();
  record.cgroups = bundle.cgroups;
  return record;
}

void answer(const Builder& builder, const std::string& text) {
  if (text.size() > launch::kMostState) throw Trouble("the annotations are too long for hooks");
  if (send(builder.leash.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
    fail("berth-init", sys::last_error("send"));
}

/// From the first word of berth-init to its last.
void follow(const CreateRequest& request, const Bundle& bundle, const Builder& builder,
            const ContainerFolder& folder, Record& record) {
  for (;;) {
    HandoverReport report;
    const ssize_t length = sys::retry_interrupted(
        [&] { return recv(builder.leash.get(), &report, sizeof report, 0); });
    if (length != sizeof report) throw Trouble("berth-init ended without a word");
    if (report.word == HandoverReport::kFailed) fail(report.failure);
    identify(record, report.pid);
    if (report.word == HandoverReport::kAtHooks) {
      const std::string state = state_text(record, "creating");
      run_hooks(*bundle.config, "prestart", state, false);
      run_hooks(*bundle.config, "createRuntime", state, false);
      if (bundle.faults.any()) throw Trouble(bundle.faults.first());
      answer(builder, state);
      continue;
    }
    folder.write(record);
    if (!request.pid_file.empty())
      write_whole_file(request.pid_file, std::to_string(record.pid), 0644);
    return answer(builder, std::string(1, launch::kRecorded));
  }
}

/// Takes back what was made, unless told that it is to stay.
class Undo {
 public:
  Undo(const ContainerFolder& folder, const launch::CgroupPlaces& cgroups)
      : folder_(folder), cgroups_(cgroups) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (!armed_) return;
    try {
      if (builder_ != nullptr) {
        builder_->leash.reset();  // berth-init then ends what it has begun
        collect(*builder_);
      }
      remove_tree(cgroups_);
      folder_.remove();
    } catch (const Trouble& trouble) {
      // What failed first is told as the error; this must not hide it.
      warn(trouble.what());
    }
  }
  void builder(Builder& builder) { builder_ = &builder; }
  void forget() { armed_ = false; }

 private:
  const ContainerFolder& folder_;
  const launch::CgroupPlaces& cgroups_;
  Builder* builder_ = nullptr;
  bool armed_ = true;
};

}  // namespace

Created create(const CreateRequest& request) {
  ContainerFolder folder(request.root, request.id);
  Bundle bundle;
  read(request, folder, bundle);
  Fd lock = folder.make();
  Builder builder;
  Record record = describe(request, bundle);
  Undo undo(folder, record.cgroups);
  // With this on record, whoever finds the container after a crash can clear up.
  folder.write_config(bundle.config_text);
  folder.write(record);
  compile_filter(*bundle.config, request.root, bundle.faults, bundle.store, bundle.plan);
  if (request.cgroups) {
    make_parents(bundle.layout, bundle.cgroups);
    auto made = launch::make_cgroups(bundle.cgroups, bundle.limits);
    if (auto* failure = std::get_if<launch::Failure>(&made)) fail(*failure);
  }
  expand_cgroup_mounts(bundle.cgroups, bundle.store, bundle.plan);
  builder =
      start_building(bundle.plan, {request.console_socket, request.console, request.preserved});
  undo.builder(builder);
  follow(request, bundle, builder, folder, record);
  undo.forget();
  collect(builder);
  return {std::move(folder), std::move(record), std::move(lock)};
}

}  // namespace berth::runtime
