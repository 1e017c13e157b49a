// A plan with something in every member, for the tests and the fuzzer of its codec.
#pragma once

#include "launch/plan_store.h"
#include "launch/plan_writer.h"

namespace berth::test {

inline void fill(launch::Plan& plan, launch::PlanStore& store) {
  using namespace launch;
  plan.id = "0123456789ab";
  plan.name = "web";
  plan.root = "/var/lib/berth";
  plan.state_directory = "/run/berth/containers/0123456789ab";
  plan.remove_when_done = true;
  plan.namespaces = 0x7e020000;
  plan.uids = store.list(std::vector<IdMap>{{0, 65536, 65536}});
  plan.gids = store.list(std::vector<IdMap>{{0, 65536, 1000}, {1000, 131072, 64536}});
  plan.rootfs.base = "/var/lib/berth";
  plan.rootfs.layers =
      store.list(std::vector<const char*>{"images/layers/b/fs", "images/layers/a/fs"});
  plan.rootfs.readonly = true;
  Mount mount;
  mount.kind = MountKind::kBind;
  mount.late = mount.idmap = true;
  mount.source = "/srv";
  mount.target = "/data";
  mount.options = store.list(std::vector<MountOption>{{"size", "64k"}, {"ro", ""}});
  mount.set = 0x1f;
  plan.mounts = store.list(std::vector<Mount>{mount, Mount()});
  plan.devices = store.list(std::vector<Device>{{"/dev/null", 0020000, 1, 3, 0666, 0, 0}});
  plan.links = store.list(std::vector<Pair>{{"/dev/fd", "/proc/self/fd"}});
  plan.masked = store.list(std::vector<const char*>{"/proc/kcore"});
  plan.hostname = "web";
  plan.process.args = store.list(std::vector<const char*>{"sh", "-c", "true", ""});
  plan.process.env = store.list(std::vector<const char*>{"PATH=/bin"});
  plan.process.user = "www-data:adm";
  plan.process.groups = store.list(std::vector<uint32_t>{4, 29});
  plan.process.capabilities = {0x1ff, 0x1ff, 0x1ff, 0, 0};
  plan.process.limits = store.list(std::vector<ResourceLimit>{{"nofile", 7, 1024, 4096}});
  plan.process.oom_score = -500;
  plan.cgroup.v1 = store.list(std::vector<const char*>{"/sys/fs/cgroup/pids/x"});
  Attachment attachment;
  attachment.bridge = "berth0";
  attachment.host_interface = "berth0123456789";
  attachment.interface = "eth0";
  attachment.mtu = 1500;
  attachment.mac = 0x02be0a580002;
  Address address;
  address.family = 2;
  address.prefix = 16;
  address.words[0] = 0x0200580a;
  attachment.addresses = store.list(std::vector<Address>{address, Address()});
  plan.network.attachments = store.list(std::vector<Attachment>{attachment, Attachment()});
  plan.network.publish = store.list(std::vector<uint32_t>{20, 0x10010a0c});
  plan.seccomp = store.list(std::vector<uint64_t>{6, 0x7fff000000000006});
}

}  // namespace berth::test
