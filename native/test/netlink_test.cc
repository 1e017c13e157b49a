#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <memory>

#include "sys/netlink.h"
#include "sys/netlink_dump.h"
#include "sys/nft_table.h"
#include "sys/route_message.h"

using namespace berth::sys;

namespace {

/// Two attributes, one of them in a nest.
void write_sample(NetlinkWriter& out) {
  out.begin(route::kNewLink, netlink::kAck, route::LinkMessage{});
  out.text(route::kLinkName, "eth0");
  const size_t nest = out.nest(route::kLinkInfo);
  out.number(route::kLinkMtu, uint32_t{1500});
  out.close(nest);
  out.end();
}

NetlinkBytes bytes_of(const NetlinkWriter& out) {
  return {out.written().bytes, out.written().count};
}

}  // namespace

TEST_CASE("a netlink message is read as it was written") {
  alignas(8) char buffer[256];
  NetlinkWriter out(buffer, sizeof buffer);
  write_sample(out);
  REQUIRE(out.whole());
  const auto whole = bytes_of(out);
  const auto header = read_structure<nlmsghdr>(whole);
  REQUIRE(header);
  CHECK(header->nlmsg_len == whole.size());
  CHECK(header->nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK));
  const auto attributes = whole.subspan(NLMSG_HDRLEN + sizeof(route::LinkMessage));
  const auto name = find_attribute(attributes, route::kLinkName);
  REQUIRE(name);
  CHECK(std::string(name->data()) == "eth0");
  const auto info = find_attribute(attributes, route::kLinkInfo);
  REQUIRE(info);
  const auto mtu = find_attribute(*info, route::kLinkMtu);
  REQUIRE(mtu);
  CHECK(read_structure<uint32_t>(*mtu) == 1500);
  CHECK_FALSE(find_attribute(attributes, route::kLinkMaster));
}

TEST_CASE("what does not fit is left out, and said to be") {
  alignas(8) char room[256];
  NetlinkWriter measured(room, sizeof room);
  write_sample(measured);
  const size_t size = measured.written().count;
  for (size_t less = 1; less <= size; ++less) {
    // Of exactly this size, so that the sanitizer sees a byte too much.
    const auto buffer = std::make_unique<char[]>(size - less);
    NetlinkWriter out(buffer.get(), size - less);
    write_sample(out);
    CHECK_FALSE(out.whole());
    CHECK(out.written().count <= size - less);
    CHECK(netlink_exchange(-1, out).error().number == EMSGSIZE);
  }
}

TEST_CASE("attributes that lie about their length end the reading") {
  alignas(8) char buffer[256];
  NetlinkWriter out(buffer, sizeof buffer);
  write_sample(out);
  const auto attributes = bytes_of(out).subspan(NLMSG_HDRLEN + sizeof(route::LinkMessage));
  for (const uint16_t length : {0, 3, 200, 0xffff}) {
    std::string wrong(attributes.data(), attributes.size());
    memcpy(wrong.data(), &length, sizeof length);
    int seen = 0;
    each_attribute({wrong.data(), wrong.size()}, [&](uint16_t, NetlinkBytes) { ++seen; });
    CHECK(seen == 0);
  }
}

TEST_CASE("a published port is one element, and another one takes it back") {
  PublishedPort port;
  port.host.family = port.container.family = IpAddress::kFamily4;
  port.container.bytes[0] = 10;
  port.protocol = IPPROTO_TCP;
  port.host_port = 8080;
  port.container_port = 80;
  const std::string put = publish_messages({port, port}, "owner");
  const std::string take = unpublish_messages({port});
  const auto header = read_structure<nlmsghdr>({put.data(), put.size()});
  REQUIRE(header);
  CHECK(header->nlmsg_len == put.size() / 2);
  CHECK(header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM));
  CHECK(put.find("published4") != std::string::npos);
  CHECK(put.find(std::string("owner\0", 6)) != std::string::npos);
  CHECK(take.find("owner") == std::string::npos);
  port.host.bytes[0] = 127;
  CHECK(publish_messages({port}, "").find("published4_on") != std::string::npos);
}
