#include "sys/remote_interface.h"

#include <sched.h>

#include <optional>

#include "sys/bridge.h"
#include "sys/process.h"
#include "sys/thread.h"

namespace berth::sys {
namespace {

/// The process is looked at when its file is open: whoever came to its pid before is told by then.
Result<Fd> network_of(const NamespaceHolder& holder) {
  BERTH_ASSIGN(const Fd proc, adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  const Text<32> file(holder.pid, "/ns/net");
  Fd network(openat(proc.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!network && errno == ENOENT) return Error{ESRCH, "open"};
  if (!network) return last_error("open");
  BERTH_ASSIGN(const uint64_t started, start_time(proc.get(), holder.pid));
  if (started != holder.started) return Error{ESRCH, "open"};
  return network;
}

/// Neighbours are no routers. What /proc/sys/net shows is the network of the thread that looks.
Result<void> refuse_routers(const char* name) {
  const Text<64> file("/proc/sys/net/ipv6/conf/", name, "/accept_ra");
  const Fd setting(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  // A kernel without IPv6, which then gives no address of it either.
  if (!setting && errno == ENOENT) return {};
  if (!setting || write(setting.get(), "0", 1) != 1) return last_error("open");
  return {};
}

/// Leaves the thread in the other namespace.
Result<void> configure_there(int network, const char* name, const Addressing& addressing) {
  if (setns(network, CLONE_NEWNET) != 0) return last_error("setns");
  BERTH_TRY(refuse_routers(name));
  BERTH_ASSIGN(const uint32_t index, interface_index(name));
  BERTH_ASSIGN(const Fd route, open_netlink(netlink::kRoute));
  return configure_interface(route.get(), index, addressing);
}

Result<void> configure_in(int network, const char* name, const Addressing& addressing) {
  std::optional<Result<void>> outcome;
  BERTH_ASSIGN(const pthread_t thread,
               start_thread([&] { outcome.emplace(configure_there(network, name, addressing)); }));
  pthread_join(thread, nullptr);
  return *outcome;
}

}  // namespace

Result<void> add_remote_interface(const NamespaceHolder& holder, Veth veth,
                                  const Addressing& addressing) {
  BERTH_ASSIGN(const Fd network, network_of(holder));
  BERTH_ASSIGN(const Fd route, open_netlink(netlink::kRoute));
  veth.network = network.get();
  BERTH_TRY(make_veth(route.get(), veth));
  const auto configured = configure_in(network.get(), veth.peer, addressing);
  if (!configured) BERTH_TRY(delete_interface(route.get(), veth.name));
  return configured;
}

Result<void> configure_remote_interface(const NamespaceHolder& holder, const char* name,
                                        const Addressing& addressing) {
  BERTH_ASSIGN(const Fd network, network_of(holder));
  return configure_in(network.get(), name, addressing);
}

}  // namespace berth::sys
