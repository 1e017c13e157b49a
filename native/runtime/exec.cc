#include "runtime/exec.h"

#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "launch/handover.h"
#include "launch/oci_bundle.h"
#include "launch/oci_config.h"
#include "runtime/builder.h"
#include "runtime/foreground.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"

namespace berth::runtime {
namespace {

using launch::HandoverReport;
using launch::Json;
using sys::Fd;

/// The container's v2 cgroup, or the one below it that its first process has moved to: where that hands controllers down, its own takes no processes
/// (Documentation/admin-guide/cgroup-v2.rst, no internal process constraint).
std::string unified_cgroup(const Record& record) {
  const std::string& own = record.cgroups.unified;
  if (own.empty()) return own;
  std::ifstream file("/proc/" + std::to_string(record.pid) + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::")) continue;
    const std::string path = line.substr(3);
    // The record has the mount point before the path.
    const size_t slash = own.rfind('/');
    const size_t found = path.find(own.substr(slash) + "/");
    if (found == std::string::npos || path.find("/..") != std::string::npos) return own;
    return own.substr(0, slash) + path.substr(found);
  }
  return own;
}

/// What a container's config.json with another process comes to.
struct Description {
  simdjson::dom::parser parser;
  launch::Faults faults;
  launch::PlanStore store;
  launch::Plan plan;
  launch::Limits limits;  // the container's: they hold already
};

void describe(const ContainerFolder& folder, const Record& record, const ExecRequest& request,
              Description& description) {
  auto& [parser, faults, store, plan, limits] = description;
  simdjson::dom::element document;
  if (const auto error = parser.parse(config_with(folder.config(), request.process)).get(document))
    throw Trouble(std::string("process: ") + simdjson::error_message(error));
  const Json config(document, "config.json:", faults);
  launch::read_oci_config(config, store, plan, limits, &record.bundle);
  launch::read_bundle(config, record.bundle, store, plan);
  if (plan.handover.terminal != !request.console_socket.empty())
    config["process"]["terminal"].fault("and --console-socket need each other");
  if (faults.any()) throw Trouble(faults.first());
  plan.id = store.text(folder.id());
  plan.root = store.text(request.root);
  plan.state_directory = store.text(folder.path());
  plan.handover.preserved = request.preserved;
  plan.cgroup.unified = store.text(unified_cgroup(record));
  std::vector<const char*> v1;
  for (const auto& place : record.cgroups.v1) {
    const auto is_same = [&](const char* other) { return place.second == other; };
    if (std::none_of(v1.begin(), v1.end(), is_same)) v1.push_back(store.text(place.second));
  }
  plan.cgroup.v1 = store.list(std::move(v1));
  compile_filter(config, request.root, faults, store, plan);
}

/// Gives the program's pid once it runs.
pid_t await_program(const Builder& builder) {
  HandoverReport report;
  const ssize_t length =
      sys::retry_interrupted([&] { return recv(builder.leash.get(), &report, sizeof report, 0); });
  collect(builder);
  if (length != sizeof report) throw Trouble("berth-init ended without a word");
  if (report.word == HandoverReport::kRuns) return report.pid;
  if (report.failure.number == ESRCH && std::string(report.failure.step) == "join")
    throw Trouble("the container has ended");
  fail(report.failure);
}

}  // namespace

int exec(const ContainerFolder& folder, const ExecRequest& request) {
  // Without the container's lock: a program that is slow to start, on a file system of the container's own making for one, must not keep others from removing it.
  const Record record = existing(folder);
  const Status status = folder.status(record);
  if (status != Status::kRunning && status != Status::kCreated)
    throw Trouble("cannot exec in container `" + folder.id() + "`: it is " + name_of(status));
  const Fd task = open_first_process(record);
  if (!task) throw Trouble("container `" + folder.id() + "` is not running");
  Description description;
  describe(folder, record, request, description);
  std::optional<Foreground> foreground;
  if (!request.detach) foreground.emplace();
  const Builder builder =
      start_building(description.plan, {request.console_socket, -1, request.preserved, task.get()});
  const pid_t pid = await_program(builder);
  if (!request.pid_file.empty()) write_whole_file(request.pid_file, std::to_string(pid), 0644);
  return foreground ? foreground->follow(pid) : 0;
}

}  // namespace berth::runtime
