// Messages of nf_tables (include/uapi/linux/netfilter/nf_tables.h) about berth's own table. Not for berth-init: it has no kernel headers.
#pragma once

#include "sys/netlink.h"

namespace berth::sys {

/// All of berth is in this one table of the family inet, whatever the root: the addresses and ports that it is about are the host's.
constexpr const char* kNftTable = "berth";

/// The kinds of values in keys and data, numbered as nft(8) does, so that it shows them well.
enum class NftType : uint32_t {
  kAddress4 = 7,
  kAddress6 = 8,
  kProtocol = 12,
  kPort = 13,
  kInterface = 41
};

/// A value of several parts, each in whole 32-bit words, as the kernel's registers hold it.
class NftValue {
 public:
  NftValue& add(const void* bytes, size_t size) {
    const size_t padded = netlink::align(size);
    if (size_ + padded > sizeof bytes_) return *this;
    memcpy(bytes_ + size_, bytes, size);
    size_ += padded;
    return *this;
  }
  /// A name takes the kernel's whole room for one.
  NftValue& add_interface(const char* name) {
    char room[16] = {};
    memcpy(room, name, strnlen(name, sizeof room - 1));
    return add(room, sizeof room);
  }
  const char* bytes() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  char bytes_[64] = {};
  size_t size_ = 0;
};

class NftWriter {
 public:
  NftWriter(char* buffer, size_t size) : out_(buffer, size) {}

  void new_table();
  void delete_table();

  /// `key` and `data` (for a map; none: a set) are up to four types.
  void new_set(const char* name, const NftType* key, size_t key_parts, const NftType* data,
               size_t data_parts);

  /// A chain that hangs at a hook of the kernel's, or only can be jumped to.
  struct Hook {
    const char* type;  // "nat" or "filter"
    uint32_t number;   // NF_INET_*
    int32_t priority;
  };
  void new_chain(const char* name, const Hook* hook);

  /// Adds a member to a set or map: an error if its key is there already. `comment` says whose it is; empty for none.
  void new_element(const char* set, const NftValue& key, const NftValue* data, const char* comment);
  void delete_element(const char* set, const NftValue& key);
  /// Asks for one element, outside any batch: ENOENT when it or its set is not there.
  void get_element(const char* set, const NftValue& key);
  /// Asks for all of a set.
  void get_elements(const char* set);

  /// A rule at the end of a chain: what is written until `end_rule` are its expressions, in order. Registers are numbered in 32-bit words from 0.
  void begin_rule(const char* chain);
  void end_rule();
  void meta(uint32_t key, uint32_t word);
  void conntrack(uint32_t key, uint32_t word);
  /// What kind of address the destination is (RTN_*).
  void destination_type(uint32_t word);
  void payload(uint32_t base, uint32_t offset, uint32_t size, uint32_t word);
  void mask(uint32_t word, uint32_t bits);
  void compare(bool equal, uint32_t word, const void* value, size_t size);
  template <typename Number>
  void equals(uint32_t word, Number value) {
    compare(true, word, &value, sizeof value);
  }
  template <typename Number>
  void differs(uint32_t word, Number value) {
    compare(false, word, &value, sizeof value);
  }
  void in_set(const char* set, uint32_t word, bool inverted = false);
  /// The rule goes no further if the map has no such key.
  void look_up(const char* map, uint32_t word, uint32_t to_word);
  /// `verdict` is NF_ACCEPT or NF_DROP, or NFT_JUMP to a chain.
  void verdict(uint32_t verdict, const char* chain = nullptr);
  void destination_nat(uint32_t family, uint32_t address_word, uint32_t port_word);
  void masquerade();

  bool whole() const { return out_.whole(); }
  Piece written() const { return out_.written(); }
  const NetlinkWriter& messages() const { return out_; }

 private:
  void begin(uint16_t type, uint16_t flags);
  void one_key(uint16_t type, uint16_t flags, const char* set, const NftValue& key);
  size_t begin_expression(const char* name);
  void end_expression(size_t data);
  void value(uint16_t type, const void* bytes, size_t size);

  NetlinkWriter out_;
  size_t expressions_ = 0, expression_ = 0;
  uint32_t sets_ = 0;
};

}  // namespace berth::sys
