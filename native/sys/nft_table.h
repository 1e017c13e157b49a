// What berth asks of the kernel's packet filter, in one table (docs/reference/networks.md shows it as nft(8) does).
#pragma once

#include <string>
#include <vector>

#include "sys/interface.h"
#include "sys/nft_writer.h"

namespace berth::sys {

/// A network as the packet filter sees it: its bridge.
struct NftNetwork {
  std::string bridge;
  bool internal = false;  // nothing but its own containers can be reached from it
};

/// One port of the host that leads into a container.
struct PublishedPort {
  IpAddress host;  // all zero: every address of the host, of its family
  IpAddress container;
  uint8_t protocol = 0;  // IPPROTO_TCP or IPPROTO_UDP
  uint16_t host_port = 0, container_port = 0;
};

/// An element of one of the maps of published ports.
struct PublishedElement {
  PublishedPort port;
  std::string owner;  // its comment
};

/// The whole table, empty of networks and ports. EEXIST: it is there.
Result<void> make_nft_table(int socket);
Result<void> delete_nft_table(int socket);

/// Makes a network known to the rules; nothing happens if it is.
Result<void> add_nft_network(int socket, const NftNetwork& network);
Result<void> remove_nft_network(int socket, const NftNetwork& network);
/// Whether the table stands and knows the network.
Result<bool> has_nft_network(int socket, const NftNetwork& network);

/// Messages for nft_commit that publish ports, and those that take them back.
std::string publish_messages(const std::vector<PublishedPort>& ports, const std::string& owner);
std::string unpublish_messages(const std::vector<PublishedPort>& ports);

/// All published ports of the host; none when there is no table.
Result<std::vector<PublishedElement>> list_published(int socket);

}  // namespace berth::sys
