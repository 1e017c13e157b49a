#include "sys/nft_table.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "sys/nft_batch.h"

namespace berth::sys {
namespace {

constexpr NftType kInterfaceKey[] = {NftType::kInterface};
constexpr NftType kPairKey[] = {NftType::kInterface, NftType::kInterface};

// Registers, in 32-bit words: an interface's name takes four.
constexpr uint32_t kA = 0, kB = 4;

/// enum ip_conntrack_info and ip_conntrack_status, as nft_ct gives them.
constexpr uint32_t kEstablishedOrRelated = 1 << 1 | 1 << 2, kDestinationNat = 1 << 5;

void family_is(NftWriter& out, uint8_t family) {
  out.meta(NFT_META_NFPROTO, kA);
  out.equals(kA, family);
}

void incoming_in(NftWriter& out, const char* set, bool inverted = false) {
  out.meta(NFT_META_IIFNAME, kA);
  out.in_set(set, kA, inverted);
}

void outgoing_in(NftWriter& out, const char* set, bool inverted = false) {
  out.meta(NFT_META_OIFNAME, kA);
  out.in_set(set, kA, inverted);
}

void within_one_network(NftWriter& out) {
  out.meta(NFT_META_IIFNAME, kA);
  out.meta(NFT_META_OIFNAME, kB);
  out.in_set("pairs", kA);
}

void destination_was_changed(NftWriter& out) {
  out.conntrack(NFT_CT_STATUS, kA);
  out.mask(kA, kDestinationNat);
  out.differs(kA, uint32_t{0});
}

/// What a family's header has its addresses at, and how long they are.
struct Family {
  uint8_t protocol;
  NftType address;
  uint32_t source, destination, size;
  const char *any, *one;
};
constexpr Family kFamilies[] = {
    {NFPROTO_IPV4, NftType::kAddress4, 12, 16, 4, "published4", "published4_on"},
    {NFPROTO_IPV6, NftType::kAddress6, 8, 24, 16, "published6", "published6_on"}};

void make_sets(NftWriter& out) {
  for (const char* name : {"bridges", "outward", "internal"})
    out.new_set(name, kInterfaceKey, 1, nullptr, 0);
  out.new_set("pairs", kPairKey, 2, nullptr, 0);
  for (const Family& family : kFamilies) {
    const NftType key[] = {family.address, NftType::kProtocol, NftType::kPort};
    const NftType data[] = {family.address, NftType::kPort};
    out.new_set(family.any, key + 1, 2, data, 2);
    out.new_set(family.one, key, 3, data, 2);
  }
}

/// `dnat to [daddr .] l4proto . dport map @…`, for each kind of map.
void make_publish_chain(NftWriter& out) {
  out.new_chain("publish", nullptr);
  // There is no route_localnet for IPv6: refused at once, programs try 127.0.0.1 next.
  const uint8_t loopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  out.begin_rule("publish");
  family_is(out, NFPROTO_IPV6);
  out.payload(NFT_PAYLOAD_NETWORK_HEADER, kFamilies[1].destination, sizeof loopback6, kA);
  out.compare(true, kA, loopback6, sizeof loopback6);
  out.verdict(NF_ACCEPT);
  out.end_rule();
  for (const Family& family : kFamilies) {
    const uint32_t address_words = family.size / 4;
    for (const bool one_address : {true, false}) {
      out.begin_rule("publish");
      family_is(out, family.protocol);
      uint32_t word = 0;
      if (one_address) {
        out.payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination, family.size, word);
        word += address_words;
      }
      out.meta(NFT_META_L4PROTO, word);
      out.payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, word + 1);
      out.look_up(one_address ? family.one : family.any, 0, 0);
      out.destination_nat(family.protocol, 0, address_words);
      out.end_rule();
    }
  }
}

void make_nat_chains(NftWriter& out) {
  const std::pair<const char*, uint32_t> entries[] = {{"prerouting", NF_INET_PRE_ROUTING},
                                                      {"output", NF_INET_LOCAL_OUT}};
  for (const auto& [name, number] : entries) {
    const NftWriter::Hook hook = {"nat", number, -100};
    out.new_chain(name, &hook);
    out.begin_rule(name);
    out.destination_type(kA);
    out.equals(kA, uint32_t{RTN_LOCAL});
    out.verdict(static_cast<uint32_t>(NFT_JUMP), "publish");
    out.end_rule();
  }
  const NftWriter::Hook hook = {"nat", NF_INET_POST_ROUTING, 100};
  out.new_chain("postrouting", &hook);
  // Out of a network, to anywhere but a network.
  out.begin_rule("postrouting");
  incoming_in(out, "outward");
  outgoing_in(out, "bridges", true);
  out.masquerade();
  out.end_rule();
  // From a container through a published port back into its own network: the answer must not go past the host.
  out.begin_rule("postrouting");
  destination_was_changed(out);
  within_one_network(out);
  out.masquerade();
  out.end_rule();
  // From the host's loopback, which no container could answer to.
  out.begin_rule("postrouting");
  outgoing_in(out, "bridges");
  family_is(out, NFPROTO_IPV4);
  out.payload(NFT_PAYLOAD_NETWORK_HEADER, kFamilies[0].source, 1, kA);
  out.equals(kA, uint8_t{127});
  out.masquerade();
  out.end_rule();
}

void make_filter_chains(NftWriter& out) {
  // With route_localnet a container could otherwise reach what listens on the host's 127.0.0.1 (CVE-2020-8558). Before connection tracking: answers to
  // the host's own connections still have the bridge's address then.
  const NftWriter::Hook early = {"filter", NF_INET_PRE_ROUTING, -300};
  out.new_chain("loopback", &early);
  for (const uint32_t offset : {kFamilies[0].source, kFamilies[0].destination}) {
    out.begin_rule("loopback");
    incoming_in(out, "bridges");
    family_is(out, NFPROTO_IPV4);
    out.payload(NFT_PAYLOAD_NETWORK_HEADER, offset, 1, kA);
    out.equals(kA, uint8_t{127});
    out.verdict(NF_DROP);
    out.end_rule();
  }

  const NftWriter::Hook forward = {"filter", NF_INET_FORWARD, 0};
  out.new_chain("forward", &forward);
  out.begin_rule("forward");
  out.conntrack(NFT_CT_STATE, kA);
  out.mask(kA, kEstablishedOrRelated);
  out.differs(kA, uint32_t{0});
  out.verdict(NF_ACCEPT);
  out.end_rule();
  out.begin_rule("forward");
  within_one_network(out);
  out.verdict(NF_ACCEPT);
  out.end_rule();
  out.begin_rule("forward");
  incoming_in(out, "internal");
  out.verdict(NF_DROP);
  out.end_rule();
  out.begin_rule("forward");
  outgoing_in(out, "outward");
  destination_was_changed(out);
  out.verdict(NF_ACCEPT);
  out.end_rule();
  // What is not published is reached from its own network and the host alone.
  out.begin_rule("forward");
  outgoing_in(out, "bridges");
  out.verdict(NF_DROP);
  out.end_rule();
}

struct Membership {
  const char* set;
  NftValue key;
};

std::vector<Membership> memberships(const NftNetwork& network) {
  NftValue name, pair;
  name.add_interface(network.bridge.c_str());
  pair.add_interface(network.bridge.c_str()).add_interface(network.bridge.c_str());
  return {{"bridges", name}, {"pairs", pair}, {network.internal ? "internal" : "outward", name}};
}

}  // namespace

Result<void> make_nft_table(int socket) {
  // On the stack: a probe does this in a copy of a thread, which must not allocate.
  char buffer[16 * 1024];
  NftWriter out(buffer, sizeof buffer);
  out.new_table();
  make_sets(out);
  make_publish_chain(out);
  make_nat_chains(out);
  make_filter_chains(out);
  if (!out.whole()) return Error{EMSGSIZE, "sendmsg"};
  return nft_commit(socket, out.written());
}

Result<void> delete_nft_table(int socket) {
  char buffer[128];
  NftWriter out(buffer, sizeof buffer);
  out.delete_table();
  return nft_commit(socket, out.written());
}

Result<void> add_nft_network(int socket, const NftNetwork& network) {
  for (const Membership& membership : memberships(network)) {
    char buffer[512];
    NftWriter out(buffer, sizeof buffer);
    out.new_element(membership.set, membership.key, nullptr, "");
    const auto added = nft_commit(socket, out.written());
    if (!added && added.error().number != EEXIST) return added.error();
  }
  return {};
}

Result<void> remove_nft_network(int socket, const NftNetwork& network) {
  char buffer[1024];
  NftWriter out(buffer, sizeof buffer);
  for (const Membership& membership : memberships(network))
    out.delete_element(membership.set, membership.key);
  return nft_commit_remains(socket, out.written());
}

Result<bool> has_nft_network(int socket, const NftNetwork& network) {
  for (const Membership& membership : memberships(network)) {
    char buffer[512];
    NftWriter out(buffer, sizeof buffer);
    out.get_element(membership.set, membership.key);
    const Piece request = out.written();
    const auto found = netlink_exchange(socket, &request, 1);
    if (!found && found.error().number == ENOENT) return false;
    if (!found) return found.error();
  }
  return true;
}

}  // namespace berth::sys
