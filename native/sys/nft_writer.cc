#include "sys/nft_writer.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace berth::sys {
namespace {

/// nf_tables numbers registers of 32 bits from here on.
uint32_t reg(uint32_t word) { return htonl(NFT_REG32_00 + word); }

/// Six bits for each part, as nft(8) tells types of several parts.
uint32_t combined(const NftType* parts, size_t count) {
  uint32_t type = 0;
  for (size_t i = 0; i < count; ++i) type = type << 6 | static_cast<uint32_t>(parts[i]);
  return type;
}

uint32_t length_of(const NftType* parts, size_t count) {
  uint32_t length = 0;
  for (size_t i = 0; i < count; ++i) {
    switch (parts[i]) {
      case NftType::kAddress4:
      case NftType::kProtocol:
      case NftType::kPort:
        length += 4;
        break;
      case NftType::kAddress6:
      case NftType::kInterface:
        length += 16;
        break;
    }
  }
  return length;
}

}  // namespace

void NftWriter::begin(uint16_t type, uint16_t flags) {
  const nfgenmsg generic = {NFPROTO_INET, NFNETLINK_V0, 0};
  out_.begin(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, generic);
}

void NftWriter::value(uint16_t type, const void* bytes, size_t size) {
  const size_t nest = out_.nest(type);
  out_.attribute(NFTA_DATA_VALUE, bytes, size);
  out_.close(nest);
}

void NftWriter::new_table() {
  begin(NFT_MSG_NEWTABLE, netlink::kCreate | netlink::kExclusive);
  out_.text(NFTA_TABLE_NAME, kNftTable);
  out_.end();
}

void NftWriter::delete_table() {
  begin(NFT_MSG_DELTABLE, 0);
  out_.text(NFTA_TABLE_NAME, kNftTable);
  out_.end();
}

void NftWriter::new_set(const char* name, const NftType* key, size_t key_parts, const NftType* data,
                        size_t data_parts) {
  begin(NFT_MSG_NEWSET, netlink::kCreate | netlink::kExclusive);
  out_.text(NFTA_SET_TABLE, kNftTable);
  out_.text(NFTA_SET_NAME, name);
  out_.number(NFTA_SET_ID, htonl(++sets_));
  out_.number(NFTA_SET_KEY_TYPE, htonl(combined(key, key_parts)));
  out_.number(NFTA_SET_KEY_LEN, htonl(length_of(key, key_parts)));
  if (key_parts == 1) {
    // A record for nft(8), which would not know otherwise how to show names: type 0, four bytes, 1 for the host's order.
    const uint32_t host_order = 1;
    char record[6] = {0, sizeof host_order};
    memcpy(record + 2, &host_order, sizeof host_order);
    out_.attribute(NFTA_SET_USERDATA, record, sizeof record);
  }
  if (data_parts > 0) {
    out_.number(NFTA_SET_FLAGS, htonl(NFT_SET_MAP));
    out_.number(NFTA_SET_DATA_TYPE, htonl(combined(data, data_parts)));
    out_.number(NFTA_SET_DATA_LEN, htonl(length_of(data, data_parts)));
  }
  out_.end();
}

void NftWriter::new_chain(const char* name, const Hook* hook) {
  begin(NFT_MSG_NEWCHAIN, netlink::kCreate | netlink::kExclusive);
  out_.text(NFTA_CHAIN_TABLE, kNftTable);
  out_.text(NFTA_CHAIN_NAME, name);
  if (hook != nullptr) {
    const size_t nest = out_.nest(NFTA_CHAIN_HOOK);
    out_.number(NFTA_HOOK_HOOKNUM, htonl(hook->number));
    out_.number(NFTA_HOOK_PRIORITY, htonl(static_cast<uint32_t>(hook->priority)));
    out_.close(nest);
    out_.number(NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
    out_.text(NFTA_CHAIN_TYPE, hook->type);
  }
  out_.end();
}

void NftWriter::new_element(const char* set, const NftValue& key, const NftValue* data,
                            const char* comment) {
  begin(NFT_MSG_NEWSETELEM, netlink::kCreate | netlink::kExclusive);
  out_.text(NFTA_SET_ELEM_LIST_TABLE, kNftTable);
  out_.text(NFTA_SET_ELEM_LIST_SET, set);
  const size_t list = out_.nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  const size_t element = out_.nest(NFTA_LIST_ELEM);
  value(NFTA_SET_ELEM_KEY, key.bytes(), key.size());
  if (data != nullptr) value(NFTA_SET_ELEM_DATA, data->bytes(), data->size());
  if (*comment != '\0') {
    // A record as libnftnl has it: type (0 is a comment), length, text with its NUL.
    char record[2 + 128] = {};
    const size_t length = strnlen(comment, sizeof record - 3) + 1;
    record[1] = static_cast<char>(length);
    memcpy(record + 2, comment, length - 1);
    out_.attribute(NFTA_SET_ELEM_USERDATA, record, 2 + length);
  }
  out_.close(element);
  out_.close(list);
  out_.end();
}

void NftWriter::one_key(uint16_t type, uint16_t flags, const char* set, const NftValue& key) {
  begin(type, flags);
  out_.text(NFTA_SET_ELEM_LIST_TABLE, kNftTable);
  out_.text(NFTA_SET_ELEM_LIST_SET, set);
  const size_t list = out_.nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  const size_t element = out_.nest(NFTA_LIST_ELEM);
  value(NFTA_SET_ELEM_KEY, key.bytes(), key.size());
  out_.close(element);
  out_.close(list);
  out_.end();
}

void NftWriter::delete_element(const char* set, const NftValue& key) {
  one_key(NFT_MSG_DELSETELEM, 0, set, key);
}

void NftWriter::get_element(const char* set, const NftValue& key) {
  one_key(NFT_MSG_GETSETELEM, netlink::kAck, set, key);
}

void NftWriter::get_elements(const char* set) {
  begin(NFT_MSG_GETSETELEM, netlink::kDump);
  out_.text(NFTA_SET_ELEM_LIST_TABLE, kNftTable);
  out_.text(NFTA_SET_ELEM_LIST_SET, set);
  out_.end();
}

void NftWriter::begin_rule(const char* chain) {
  begin(NFT_MSG_NEWRULE, netlink::kCreate | netlink::kAppend);
  out_.text(NFTA_RULE_TABLE, kNftTable);
  out_.text(NFTA_RULE_CHAIN, chain);
  expressions_ = out_.nest(NFTA_RULE_EXPRESSIONS);
}

void NftWriter::end_rule() {
  out_.close(expressions_);
  out_.end();
}

size_t NftWriter::begin_expression(const char* name) {
  expression_ = out_.nest(NFTA_LIST_ELEM);
  out_.text(NFTA_EXPR_NAME, name);
  return out_.nest(NFTA_EXPR_DATA);
}

void NftWriter::end_expression(size_t data) {
  out_.close(data);
  out_.close(expression_);
}

void NftWriter::meta(uint32_t key, uint32_t word) {
  const size_t data = begin_expression("meta");
  out_.number(NFTA_META_DREG, reg(word));
  out_.number(NFTA_META_KEY, htonl(key));
  end_expression(data);
}

void NftWriter::conntrack(uint32_t key, uint32_t word) {
  const size_t data = begin_expression("ct");
  out_.number(NFTA_CT_DREG, reg(word));
  out_.number(NFTA_CT_KEY, htonl(key));
  end_expression(data);
}

void NftWriter::destination_type(uint32_t word) {
  const size_t data = begin_expression("fib");
  out_.number(NFTA_FIB_DREG, reg(word));
  out_.number(NFTA_FIB_RESULT, htonl(NFT_FIB_RESULT_ADDRTYPE));
  out_.number(NFTA_FIB_FLAGS, htonl(NFTA_FIB_F_DADDR));
  end_expression(data);
}

void NftWriter::payload(uint32_t base, uint32_t offset, uint32_t size, uint32_t word) {
  const size_t data = begin_expression("payload");
  out_.number(NFTA_PAYLOAD_DREG, reg(word));
  out_.number(NFTA_PAYLOAD_BASE, htonl(base));
  out_.number(NFTA_PAYLOAD_OFFSET, htonl(offset));
  out_.number(NFTA_PAYLOAD_LEN, htonl(size));
  end_expression(data);
}

void NftWriter::mask(uint32_t word, uint32_t bits) {
  const uint32_t none = 0;
  const size_t data = begin_expression("bitwise");
  out_.number(NFTA_BITWISE_SREG, reg(word));
  out_.number(NFTA_BITWISE_DREG, reg(word));
  out_.number(NFTA_BITWISE_LEN, htonl(sizeof bits));
  value(NFTA_BITWISE_MASK, &bits, sizeof bits);
  value(NFTA_BITWISE_XOR, &none, sizeof none);
  end_expression(data);
}

void NftWriter::compare(bool equal, uint32_t word, const void* bytes, size_t size) {
  const size_t data = begin_expression("cmp");
  out_.number(NFTA_CMP_SREG, reg(word));
  out_.number(NFTA_CMP_OP, htonl(equal ? NFT_CMP_EQ : NFT_CMP_NEQ));
  value(NFTA_CMP_DATA, bytes, size);
  end_expression(data);
}

void NftWriter::in_set(const char* set, uint32_t word, bool inverted) {
  const size_t data = begin_expression("lookup");
  out_.text(NFTA_LOOKUP_SET, set);
  out_.number(NFTA_LOOKUP_SREG, reg(word));
  if (inverted) out_.number(NFTA_LOOKUP_FLAGS, htonl(NFT_LOOKUP_F_INV));
  end_expression(data);
}

void NftWriter::look_up(const char* map, uint32_t word, uint32_t to_word) {
  const size_t data = begin_expression("lookup");
  out_.text(NFTA_LOOKUP_SET, map);
  out_.number(NFTA_LOOKUP_SREG, reg(word));
  out_.number(NFTA_LOOKUP_DREG, reg(to_word));
  end_expression(data);
}

void NftWriter::verdict(uint32_t code, const char* chain) {
  const size_t data = begin_expression("immediate");
  out_.number(NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
  const size_t immediate = out_.nest(NFTA_IMMEDIATE_DATA);
  const size_t nest = out_.nest(NFTA_DATA_VERDICT);
  out_.number(NFTA_VERDICT_CODE, htonl(code));
  if (chain != nullptr) out_.text(NFTA_VERDICT_CHAIN, chain);
  out_.close(nest);
  out_.close(immediate);
  end_expression(data);
}

void NftWriter::destination_nat(uint32_t family, uint32_t address_word, uint32_t port_word) {
  const size_t data = begin_expression("nat");
  out_.number(NFTA_NAT_TYPE, htonl(NFT_NAT_DNAT));
  out_.number(NFTA_NAT_FAMILY, htonl(family));
  out_.number(NFTA_NAT_REG_ADDR_MIN, reg(address_word));
  out_.number(NFTA_NAT_REG_PROTO_MIN, reg(port_word));
  end_expression(data);
}

void NftWriter::masquerade() {
  const size_t data = begin_expression("masq");
  end_expression(data);
}

}  // namespace berth::sys
