#include "launch/launch_facts.h"

namespace berth::launch {
namespace {

using std::string_view;

std::string absolute(const Json& path) {
  const string_view text = path.required_text();
  if (!text.starts_with('/')) path.fault("must be an absolute path");
  return std::string(text);
}

void read_rootfs(const Json& json, const std::string& container, PlanStore& store, Rootfs& rootfs) {
  if (json["directory"].present()) {
    rootfs.directory = store.text(absolute(json["directory"]));
    return;
  }
  const std::string base = absolute(json["base"]);
  rootfs.base = store.text(base);
  std::vector<const char*> layers;
  json["layers"].each([&](const Json& layer) {
    const string_view path = layer.text();
    if (path.empty() || path.starts_with('/') || path.find("..") != string_view::npos)
      return layer.fault("must lie below base");
    layers.push_back(store.text(path));
  });
  if (layers.empty()) json["layers"].fault("needs at least one");
  rootfs.layers = store.list(std::move(layers));
  if (!container.starts_with(base + "/"))
    return json["base"].fault("must hold the container's directory");
  const std::string below = container.substr(base.size() + 1);
  rootfs.upper = store.text(below + "/upper");
  rootfs.work = store.text(below + "/work");
  rootfs.is_volatile = json["volatile"].boolean();
}

}  // namespace

CgroupPlaces read_cgroup_places(const Json& cgroup) {
  CgroupPlaces places;
  places.unified = std::string(cgroup["unified"].text());
  places.supervisors = std::string(cgroup["supervisors"].text());
  places.unified_controls = cgroup["unified_controls"].boolean();
  const auto read = [&](const char* key, CgroupPlaces::V1& list) {
    cgroup[key].each_member([&](string_view controller, const Json& path) {
      list.emplace_back(controller, absolute(path));
    });
  };
  read("v1", places.v1);
  read("later", places.later);
  return places;
}

LaunchFacts read_launch_facts(const Json& launch, PlanStore& store, Plan& plan) {
  if (launch["format"].integer(0, INT32_MAX) != 1) launch["format"].fault("must be 1");
  LaunchFacts facts;
  plan.id = store.text(launch["id"].required_text());
  plan.name = store.text(launch["name"].text());
  plan.root = store.text(absolute(launch["root"]));
  plan.state_directory = store.text(absolute(launch["state_directory"]));
  facts.container_directory = absolute(launch["container_directory"]);
  plan.container_directory = store.text(facts.container_directory);
  facts.seccomp_directory = std::string(launch["seccomp_directory"].text());
  plan.remove_when_done = launch["remove"].boolean();
  plan.timings = launch["timings"].boolean();
  plan.process.user = store.text(launch["user"].text());
  std::vector<const char*> groups;
  launch["groups"].each([&](const Json& group) { groups.push_back(store.text(group.text())); });
  plan.process.group_names = store.list(std::move(groups));
  plan.process.init = launch["init"].boolean();
  read_rootfs(launch["rootfs"], facts.container_directory, store, plan.rootfs);

  facts.cgroups = read_cgroup_places(launch["cgroup"]);
  const auto paths = [&](const CgroupPlaces::V1& places) {
    std::vector<const char*> list;
    for (const auto& place : places) list.push_back(store.text(place.second));
    return store.list(std::move(list));
  };
  plan.cgroup.unified = store.text(facts.cgroups.unified);
  plan.cgroup.v1 = paths(facts.cgroups.v1);
  plan.cgroup.later = paths(facts.cgroups.later);

  const Json logs = launch["logs"];
  if (logs.present()) {
    plan.logs.max_bytes = static_cast<uint64_t>(logs["max_bytes"].integer(4096, INT64_MAX, 4096));
    plan.logs.max_files = static_cast<uint32_t>(logs["max_files"].integer(1, 1000, 1));
  }
  return facts;
}

}  // namespace berth::launch
