#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

#include "sys/netlink_dump.h"
#include "sys/nft_table.h"

namespace berth::sys {
namespace {

bool every_address(const IpAddress& address) {
  return std::all_of(address.bytes, address.bytes + address.size(),
                     [](uint8_t b) { return b == 0; });
}

const char* map_of(const PublishedPort& port) {
  if (port.host.family == IpAddress::kFamily4)
    return every_address(port.host) ? "published4" : "published4_on";
  return every_address(port.host) ? "published6" : "published6_on";
}

NftValue key_of(const PublishedPort& port) {
  const uint16_t number = htons(port.host_port);
  NftValue key;
  if (!every_address(port.host)) key.add(port.host.bytes, port.host.size());
  return key.add(&port.protocol, sizeof port.protocol).add(&number, sizeof number);
}

NftValue data_of(const PublishedPort& port) {
  const uint16_t number = htons(port.container_port);
  return NftValue().add(port.container.bytes, port.container.size()).add(&number, sizeof number);
}

std::string messages(const std::vector<PublishedPort>& ports,
                     const std::function<void(NftWriter&, const PublishedPort&)>& write) {
  constexpr size_t kRoom = 512;  // of one message
  std::string buffer(ports.size() * kRoom, '\0');
  NftWriter out(buffer.data(), buffer.size());
  for (const PublishedPort& port : ports) write(out, port);
  buffer.resize(out.written().count);
  return buffer;
}

std::optional<NetlinkBytes> value_in(NetlinkBytes element, uint16_t type) {
  const auto nest = find_attribute(element, type);
  return nest ? find_attribute(*nest, NFTA_DATA_VALUE) : std::nullopt;
}

std::string comment_of(NetlinkBytes element) {
  const auto record = find_attribute(element, NFTA_SET_ELEM_USERDATA);
  // Type (0 is a comment), length, text with its NUL.
  if (!record || record->size() < 3 || (*record)[0] != 0) return {};
  const auto length = static_cast<uint8_t>((*record)[1]);
  if (length < 1 || record->size() < size_t{2} + length) return {};
  return std::string(record->data() + 2, static_cast<size_t>(length) - 1);
}

uint16_t port_at(NetlinkBytes bytes, size_t offset) {
  const auto port = read_structure<uint16_t>(bytes.subspan(offset));
  return port ? ntohs(*port) : static_cast<uint16_t>(0);
}

struct PortMap {
  const char* name;
  uint8_t family;
  bool one_address;
};
constexpr PortMap kMaps[] = {{"published4", IpAddress::kFamily4, false},
                             {"published4_on", IpAddress::kFamily4, true},
                             {"published6", IpAddress::kFamily6, false},
                             {"published6_on", IpAddress::kFamily6, true}};

std::optional<PublishedElement> read_element(const PortMap& map, NetlinkBytes element) {
  const auto key = value_in(element, NFTA_SET_ELEM_KEY);
  const auto data = value_in(element, NFTA_SET_ELEM_DATA);
  PublishedElement found;
  found.port.host.family = found.port.container.family = map.family;
  const size_t size = found.port.host.size();
  const size_t at = map.one_address ? size : 0;
  if (!key || !data || key->size() < at + 8 || data->size() < size + 4) return {};
  if (map.one_address) memcpy(found.port.host.bytes, key->data(), size);
  found.port.protocol = static_cast<uint8_t>((*key)[at]);
  found.port.host_port = port_at(*key, at + 4);
  memcpy(found.port.container.bytes, data->data(), size);
  found.port.container_port = port_at(*data, size);
  found.owner = comment_of(element);
  return found;
}

}  // namespace

std::string publish_messages(const std::vector<PublishedPort>& ports, const std::string& owner) {
  return messages(ports, [&](NftWriter& out, const PublishedPort& port) {
    const NftValue data = data_of(port);
    out.new_element(map_of(port), key_of(port), &data, owner.c_str());
  });
}

std::string unpublish_messages(const std::vector<PublishedPort>& ports) {
  return messages(ports, [](NftWriter& out, const PublishedPort& port) {
    out.delete_element(map_of(port), key_of(port));
  });
}

Result<std::vector<PublishedElement>> list_published(int socket) {
  std::vector<PublishedElement> all;
  for (const PortMap& map : kMaps) {
    char buffer[128];
    NftWriter request(buffer, sizeof buffer);
    request.get_elements(map.name);
    const auto visit = [&](uint16_t, NetlinkBytes content) {
      if (content.size() < sizeof(nfgenmsg)) return;
      const auto list =
          find_attribute(content.subspan(sizeof(nfgenmsg)), NFTA_SET_ELEM_LIST_ELEMENTS);
      if (!list) return;
      each_attribute(*list, [&](uint16_t, NetlinkBytes element) {
        if (auto read = read_element(map, element)) all.push_back(std::move(*read));
      });
    };
    const auto told = netlink_dump(socket, request.messages(), visit);
    if (!told && told.error().number == ENOENT) return all;
    if (!told) return told.error();
  }
  return all;
}

}  // namespace berth::sys
