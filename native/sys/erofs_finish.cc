// The last of an EROFS image: its directories, and the superblock that makes it one.
#include <cstring>

#include "sys/erofs_format.h"
#include "sys/erofs_tree.h"

namespace berth::sys {
namespace {

using erofs::DirectoryEntry;
using erofs::FileType;
using erofs::Inode;
using erofs::kBlock;
using erofs::Layout;

constexpr uint64_t kRootAt = erofs::kSuperblockAt + sizeof(erofs::Superblock);

struct Name {
  std::string_view text;
  uint64_t inode;
  FileType type;
};

std::span<const uint8_t> bytes_of(const void* data, size_t size) {
  return {static_cast<const uint8_t*>(data), size};
}

/// CRC-32C, low bit first, neither begun nor ended with an inversion of its own.
uint32_t checksum_of(std::span<const uint8_t> bytes, uint32_t sum) {
  constexpr uint32_t kPolynomial = 0x82F63B78;
  for (const uint8_t byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? kPolynomial : 0);
  }
  return sum;
}

/// The names of a directory in the order of their bytes, with `.` and `..`.
std::vector<Name> names_of(const ErofsNode& node, uint64_t own, uint64_t parent) {
  std::vector<Name> names;
  const auto& children = node.directory->children;
  names.reserve(children.size() + 2);
  bool dot = false, dots = false;
  const auto before = [&](std::string_view next) {
    if (!dot && (next.empty() || next > ".")) {
      names.push_back({".", own, FileType::kDirectory});
      dot = true;
    }
    if (!dots && (next.empty() || next > "..")) {
      names.push_back({"..", parent, FileType::kDirectory});
      dots = true;
    }
  };
  for (const auto& [name, child] : children) {
    before(name);
    names.push_back({name, child->inode, child->type});
  }
  before("");
  return names;
}

/// Calls `block` with the names of each block, and the bytes that they take.
template <typename F>
void each_block(const std::vector<Name>& names, F&& block) {
  size_t first = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const uint64_t entry = sizeof(DirectoryEntry) + names[i].text.size();
    if (bytes + entry > kBlock) {
      block(std::span(names).subspan(first, i - first), bytes);
      first = i;
      bytes = 0;
    }
    bytes += entry;
  }
  block(std::span(names).subspan(first), bytes);
}

std::string content_of(const std::vector<Name>& names) {
  std::string content;
  each_block(names, [&](std::span<const Name> some, uint64_t) {
    content.resize((content.size() + kBlock - 1) / kBlock * kBlock);
    auto at = static_cast<uint16_t>(some.size() * sizeof(DirectoryEntry));
    std::string texts;
    for (const Name& name : some) {
      const DirectoryEntry entry{static_cast<uint32_t>(name.inode),
                                 static_cast<uint32_t>(name.inode >> 32), at,
                                 static_cast<uint8_t>(name.type), 0};
      content.append(reinterpret_cast<const char*>(&entry), sizeof entry);
      texts += name.text;
      at = static_cast<uint16_t>(at + name.text.size());
    }
    content += texts;
  });
  return content;
}

uint64_t size_of(const std::vector<Name>& names) {
  uint64_t blocks = 0, last = 0;
  each_block(names, [&](std::span<const Name>, uint64_t bytes) {
    ++blocks;
    last = bytes;
  });
  return (blocks - 1) * kBlock + last;
}

}  // namespace

/// A directory that has its place.
struct ErofsTree::Placed {
  const ErofsNode* node;
  uint64_t at, parent;
  std::string xattrs;
  uint64_t inline_bytes;  // of the names, behind the inode
};

Result<std::vector<ErofsTree::Placed>> ErofsTree::place_directories() {
  std::vector<Placed> placed;
  struct Waiting {
    ErofsNode* node;
    uint64_t parent;
  };
  std::vector<Waiting> waiting{{root_.get(), kRootAt / erofs::kSlot}};
  while (!waiting.empty()) {
    const Waiting next = waiting.back();
    waiting.pop_back();
    Xattrs xattrs = next.node->directory->attributes.xattrs;
    if (next.node->directory->opaque) xattrs.emplace_back("trusted.overlay.opaque", "y");
    Placed place{next.node, kRootAt, next.parent, {}, 0};
    BERTH_ASSIGN(place.xattrs, erofs_xattrs(xattrs, refusal_));
    const uint64_t fixed = sizeof(Inode) + place.xattrs.size();
    const uint64_t rest = size_of(names_of(*next.node, 0, 0)) % kBlock;
    if (next.node == root_.get()) {
      // Its number has 16 bits, so it stands right behind the superblock.
      if (kRootAt + fixed > kBlock)
        return refusal_.refuse("NO_IMAGE", "its root has too many extended attributes");
      if (kRootAt + fixed + rest <= kBlock) place.inline_bytes = rest;
    } else {
      if (rest <= kBlock / 2 && ErofsFile::fits(fixed, rest)) place.inline_bytes = rest;
      BERTH_ASSIGN(place.at, file_.room(fixed, place.inline_bytes));
    }
    next.node->inode = place.at / erofs::kSlot;
    for (const auto& [_, child] : next.node->directory->children) {
      if (child->is_directory()) waiting.push_back({child.get(), next.node->inode});
    }
    placed.push_back(std::move(place));
  }
  return placed;
}

Result<void> ErofsTree::write_directory(const Placed& placed) {
  const ErofsAttributes& attributes = placed.node->directory->attributes;
  std::string content = content_of(names_of(*placed.node, placed.node->inode, placed.parent));
  const uint64_t size = content.size();
  const std::string tail = content.substr(content.size() - placed.inline_bytes);
  content.resize(content.size() - placed.inline_bytes);
  content.resize((content.size() + kBlock - 1) / kBlock * kBlock);
  BERTH_TRY(file_.append(bytes_of(content.data(), content.size())));
  BERTH_ASSIGN(const ErofsContent blocks, file_.end_content());
  const Layout layout = placed.inline_bytes > 0 ? Layout::kInline : Layout::kPlain;
  Inode inode = new_inode(layout, attributes, placed.xattrs);
  inode.size = size;
  inode.place = blocks.block;
  inode.links = 2;
  for (const auto& [_, child] : placed.node->directory->children) {
    if (child->is_directory()) ++inode.links;
  }
  return write_inode(placed.at, inode, placed.xattrs, tail);
}

/// What has several names was written when it had one.
Result<void> ErofsTree::write_links() {
  std::vector<const ErofsNode*> waiting{root_.get()};
  while (!waiting.empty()) {
    const ErofsNode* node = waiting.back();
    waiting.pop_back();
    for (const auto& [_, child] : node->directory->children) {
      if (child->is_directory()) {
        waiting.push_back(child.get());
      } else if (child->links > 1) {
        BERTH_TRY(file_.put(child->inode * erofs::kSlot + offsetof(Inode, links),
                            bytes_of(&child->links, sizeof child->links)));
      }
    }
  }
  return {};
}

Result<void> ErofsTree::finish(const std::string& uuid) {
  BERTH_ASSIGN(const std::vector<Placed> placed, place_directories());
  // All of them have their places, so each can name the others.
  BERTH_TRY(file_.flush());
  for (const Placed& each : placed) BERTH_TRY(write_directory(each));
  BERTH_TRY(write_links());
  BERTH_ASSIGN(const uint32_t blocks, file_.finish());
  erofs::Superblock super{};
  super.magic = erofs::kMagic;
  super.compat = erofs::kCompatChecksum;
  super.block_bits = erofs::kBlockBits;
  super.root = kRootAt / erofs::kSlot;
  super.inodes = inodes_;
  super.blocks = blocks;
  memcpy(super.uuid, uuid.data(), std::min(uuid.size(), sizeof super.uuid));
  super.incompat = has_chunks_ ? erofs::kIncompatChunks : 0;
  BERTH_TRY(file_.put(erofs::kSuperblockAt, bytes_of(&super, sizeof super)));
  uint8_t block[kBlock - erofs::kSuperblockAt];
  BERTH_TRY(file_.read_back(erofs::kSuperblockAt, block));
  super.checksum = checksum_of(block, 0xffffffff);
  return file_.put(erofs::kSuperblockAt, bytes_of(&super, sizeof super));
}

}  // namespace berth::sys
