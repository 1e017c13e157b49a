// Addresses and ports of the host that one container has for as long as it lives, claimed across the whole host.
#pragma once

#include <string>
#include <vector>

#include "sys/interface.h"

namespace berth::sys {

/// Which addresses a container may get.
struct AddressWish {
  /// IPv4: any but the gateway, from `first` to `last`. The same for one that is wished for.
  IpAddress first, last, gateway;
  /// IPv6: a network whose low 32 bits take the IPv4 address, which makes it the container's own; or, with prefix 128, one that is wished for. Family 0: none.
  IpAddress network6;
};

/// One published port: the same number at each of these addresses, the first from `first_port` to `last_port` that is free; 0: any.
struct PortWish {
  std::vector<IpAddress> addresses;
  uint8_t protocol = 0;  // IPPROTO_TCP or IPPROTO_UDP
  uint16_t first_port = 0, last_port = 0;
};

/// What one network gives.
struct OwnAddresses {
  IpAddress address4, address6;  // family 0: none
};

struct NetworkClaim {
  /// Nobody else gets what is claimed until the last copy of this descriptor is closed.
  Fd held;
  std::vector<OwnAddresses> addresses;  // one for each wish
  std::vector<uint16_t> ports;          // one for each wish
};

/// What could not be had.
struct ClaimRefusal {
  enum class What { kAddress, kPort } what = What::kAddress;
  size_t index = 0;  // of the wish
};

/// Claims addresses as locks on bytes of `file` (fcntl(2), F_OFD_SETLK), which is made if missing and stays empty, and ports by binding sockets to them, so that
/// no other process of the host can take them either. Both are held in the queue of a socket (unix(7), SCM_RIGHTS), which is `held`. EADDRINUSE: `refusal` says what is
/// taken; for addresses that are not wished for one by one, all are.
Result<NetworkClaim> claim_network(const char* file, const std::vector<AddressWish>& addresses,
                                   const std::vector<PortWish>& ports, ClaimRefusal& refusal);

/// More addresses for who holds a claim: they are held as long as the rest. `held` is its descriptor, or a copy of it. ENOMSG: it holds no addresses.
Result<OwnAddresses> claim_more(int held, const AddressWish& wish);
/// Some of them given back before the rest.
Result<void> release_addresses(int held, const OwnAddresses& addresses);

/// Removes `file` if nobody holds a claim in it.
Result<bool> remove_idle_claims(const char* file);

}  // namespace berth::sys
