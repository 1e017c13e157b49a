#include "launch/launch_facts.h"

#include <algorithm>

#include <arpa/inet.h>
#include <netinet/ether.h>

#include "sys/nft_table.h"

namespace berth::launch {
namespace {

using std::string_view;

std::string absolute(const Json& path) {
  const string_view text = path.required_text();
  if (!text.starts_with('/')) path.fault("must be an absolute path");
  return std::string(text);
}

/// Where a layer lies below the base.
string_view place_of(const Json& layer) {
  const string_view path = layer.required_text();
  if (path.empty() || path.starts_with('/') || path.find("..") != string_view::npos)
    layer.fault("must lie below base");
  return path;
}

std::vector<LayerImage> read_images(const Json& json, const std::string& base, PlanStore& store,
                                    Rootfs& rootfs) {
  std::vector<LayerImage> images;
  std::vector<const char*> mounted;
  json.each([&](const Json& image) {
    const string_view layer = place_of(image["layer"]);
    mounted.push_back(store.text(layer));
    images.push_back({base + "/" + std::string(layer), image["bytes"].unsigned_integer(),
                      std::string(image["identity"].required_text())});
  });
  rootfs.mounted = store.list(std::move(mounted));
  return images;
}

void read_rootfs(const Json& json, LaunchFacts& facts, PlanStore& store, Rootfs& rootfs) {
  if (json["directory"].present()) {
    rootfs.directory = store.text(absolute(json["directory"]));
    rootfs.idmap = true;
    return;
  }
  const std::string base = absolute(json["base"]);
  rootfs.base = store.text(base);
  std::vector<const char*> layers;
  json["layers"].each([&](const Json& layer) { layers.push_back(store.text(place_of(layer))); });
  facts.images = read_images(json["images"], base, store, rootfs);
  if (json["tree"].present()) rootfs.tree = store.text(absolute(json["tree"]));
  if (layers.empty() && *rootfs.tree == '\0') json["layers"].fault("needs at least one");
  rootfs.layers = store.list(std::move(layers));
  const std::string& container = facts.container_directory;
  if (!container.starts_with(base + "/"))
    return json["base"].fault("must hold the container's directory");
  const std::string below = container.substr(base.size() + 1);
  rootfs.upper = store.text(below + "/upper");
  rootfs.work = store.text(below + "/work");
  rootfs.is_volatile = json["volatile"].boolean();
}

std::optional<sys::IpAddress> ip_address(string_view text) {
  sys::IpAddress address;
  const std::string whole(text);
  for (const uint8_t family : {sys::IpAddress::kFamily4, sys::IpAddress::kFamily6}) {
    if (inet_pton(family, whole.c_str(), address.bytes) != 1) continue;
    address.family = family;
    return address;
  }
  return {};
}

Address planned(const sys::IpAddress& address) {
  Address plan;
  plan.family = address.family;
  plan.prefix = address.prefix;
  memcpy(plan.words, address.bytes, sizeof plan.words);
  return plan;
}

List<uint32_t> words(const std::string& messages, PlanStore& store) {
  std::vector<uint32_t> list(messages.size() / sizeof(uint32_t));
  memcpy(list.data(), messages.data(), list.size() * sizeof(uint32_t));
  return store.list(std::move(list));
}

/// The container's address of that family, which published ports of the host lead to.
std::optional<sys::IpAddress> own_address(const std::vector<sys::IpAddress>& own, uint8_t family) {
  for (const auto& address : own) {
    if (address.family == family) return address;
  }
  return {};
}

void read_ports(const Json& json, const std::vector<sys::IpAddress>& own,
                std::vector<sys::PublishedPort>& ports) {
  json.each([&](const Json& each) {
    const auto host = ip_address(each["host_ip"].required_text());
    if (!host) return each["host_ip"].fault("must be an IP address");
    const auto container = own_address(own, host->family);
    if (!container) return each["host_ip"].fault("the container has no address of that family");
    const string_view protocol = each["protocol"].required_text();
    if (protocol != "tcp" && protocol != "udp") return each["protocol"].fault("must be tcp or udp");
    ports.push_back({*host, *container,
                     static_cast<uint8_t>(protocol == "tcp" ? IPPROTO_TCP : IPPROTO_UDP),
                     static_cast<uint16_t>(each["host_port"].integer(1, 65535)),
                     static_cast<uint16_t>(each["container_port"].integer(1, 65535))});
  });
}

Attachment read_attachment(const Json& json, PlanStore& store,
                           std::vector<sys::PublishedPort>& ports) {
  Attachment attachment;
  attachment.bridge = store.text(json["bridge"].required_text());
  attachment.host_interface = store.text(json["host_interface"].required_text());
  attachment.interface = store.text(json["interface"].required_text());
  attachment.mtu = static_cast<uint32_t>(json["mtu"].integer(68, 65535, 1500));
  ether_addr mac;
  if (ether_aton_r(std::string(json["mac"].required_text()).c_str(), &mac) == nullptr)
    json["mac"].fault("must be six numbers in hexadecimal, with colons between them");
  else
    for (const uint8_t byte : mac.ether_addr_octet) attachment.mac = attachment.mac << 8 | byte;
  std::vector<sys::IpAddress> own;
  std::vector<Address> addresses, gateways;
  json["addresses"].each([&](const Json& each) {
    const auto address = ip_address(each["address"].required_text());
    if (!address) return each["address"].fault("must be an IP address");
    own.push_back(*address);
    own.back().prefix = static_cast<uint8_t>(each["prefix"].integer(1, 128));
    addresses.push_back(planned(own.back()));
  });
  json["gateways"].each([&](const Json& each) {
    const auto address = ip_address(each.text());
    if (!address) return each.fault("must be an IP address");
    gateways.push_back(planned(*address));
  });
  attachment.addresses = store.list(std::move(addresses));
  attachment.gateways = store.list(std::move(gateways));
  read_ports(json["ports"], own, ports);
  return attachment;
}

void read_networks(const Json& json, const std::string& owner, PlanStore& store, Network& network) {
  std::vector<Attachment> attachments;
  std::vector<sys::PublishedPort> ports;
  json.each([&](const Json& each) { attachments.push_back(read_attachment(each, store, ports)); });
  network.attachments = store.list(std::move(attachments));
  if (ports.empty()) return;
  network.publish = words(sys::publish_messages(ports, owner), store);
  network.unpublish = words(sys::unpublish_messages(ports), store);
}

Mount* mount_at(Plan& plan, string_view target) {
  Mount* const end = plan.mounts.items + plan.mounts.count;
  Mount* const found = std::find_if(plan.mounts.items, end, [&](const Mount& candidate) {
    return candidate.kind == MountKind::kBind && target == candidate.target;
  });
  return found == end ? nullptr : found;
}

/// The containers whose namespaces are joined, and what is mounted of theirs.
void read_peers(const Json& launch, PlanStore& store, Plan& plan) {
  std::vector<Peer> peers;
  launch["peers"].each([&](const Json& item) {
    peers.push_back({static_cast<uint32_t>(item["pid"].integer(1, INT32_MAX, 1)),
                     item["start_time"].unsigned_integer()});
  });
  plan.peers = store.list(std::move(peers));
  launch["mounts_of_peers"].each([&](const Json& item) {
    Mount* const mount = mount_at(plan, item["target"].required_text());
    if (mount == nullptr) return item["target"].fault("nothing is mounted there");
    mount->elsewhere = store.text(absolute(item["namespace"]));
  });
}

void read_volumes(const Json& volumes, PlanStore& store, Plan& plan) {
  volumes.each([&](const Json& item) {
    Mount* const mount = mount_at(plan, item["target"].required_text());
    if (mount == nullptr) return item["target"].fault("nothing is mounted there");
    mount->volume = store.text(absolute(item["volume"]));
  });
}

List<const char*> texts(const Json& list, PlanStore& store) {
  std::vector<const char*> found;
  list.each([&](const Json& each) { found.push_back(store.text(each.text())); });
  return store.list(std::move(found));
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
  plan.kept = launch["kept"].boolean();
  plan.timings = launch["timings"].boolean();
  plan.input = launch["input"].boolean();
  plan.detach_keys = store.text(launch["detach_keys"].text());
  plan.event = store.text(launch["event"].minified());
  plan.process.user = store.text(launch["user"].text());
  plan.process.group_names = texts(launch["groups"], store);
  plan.process.init = launch["init"].boolean();
  plan.process.cwd_is_there = launch["cwd_is_there"].boolean();
  plan.process.before = texts(launch["before"], store);
  plan.process.after = texts(launch["after"], store);
  read_rootfs(launch["rootfs"], facts, store, plan.rootfs);

  facts.cgroups = read_cgroup_places(launch["cgroup"]);
  const auto paths = [&](const CgroupPlaces::V1& places) {
    std::vector<const char*> list;
    for (const auto& place : places) list.push_back(store.text(place.second));
    return store.list(std::move(list));
  };
  plan.cgroup.unified = store.text(facts.cgroups.unified);
  plan.cgroup.v1 = paths(facts.cgroups.v1);
  plan.cgroup.later = paths(facts.cgroups.later);

  read_volumes(launch["volumes"], store, plan);
  read_peers(launch, store, plan);
  plan.own_volumes = static_cast<uint32_t>(launch["own_volumes"].integer(0, 1000));
  read_networks(launch["networks"], std::string(launch["ports_owner"].text()), store, plan.network);

  const Json logs = launch["logs"];
  if (logs.present()) {
    plan.logs.max_bytes = static_cast<uint64_t>(logs["max_bytes"].integer(4096, INT64_MAX, 4096));
    plan.logs.max_files = static_cast<uint32_t>(logs["max_files"].integer(1, 1000, 1));
  }
  return facts;
}

}  // namespace berth::launch
