// EROFS as it lies on a disk (Linux, Documentation/filesystems/erofs.rst): what berth writes of it. Every number is little-endian,
// which is what the machines that berth runs on have.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace berth::sys::erofs {

static_assert(std::endian::native == std::endian::little);

constexpr unsigned kBlockBits = 12;
constexpr uint64_t kBlock = 1U << kBlockBits;
/// Inodes are named by their place in the file, in slots of this many bytes.
constexpr uint64_t kSlot = 32;
constexpr uint64_t kSuperblockAt = 1024;
constexpr uint32_t kMagic = 0xE0F5E1E2;
constexpr uint32_t kCompatChecksum = 1;
constexpr uint32_t kIncompatChunks = 4;

struct Superblock {
  uint32_t magic, checksum, compat;
  uint8_t block_bits, extra_slots;
  uint16_t root;
  uint64_t inodes, build_seconds;
  uint32_t build_nanoseconds, blocks, meta_block, xattr_block;
  uint8_t uuid[16], volume[16];
  uint32_t incompat;
  uint16_t compression, extra_devices, device_slot;
  uint8_t directory_block_bits, prefix_count;
  uint32_t prefix_start;
  uint64_t packed_inode;
  uint8_t reserved[24];
};
static_assert(sizeof(Superblock) == 128);

enum class Layout : uint16_t { kPlain = 0, kInline = 2, kChunks = 4 };

/// The larger of two forms: only it has a time of its own.
struct Inode {
  uint16_t format;       // bit 0: this form; from bit 1: the layout
  uint16_t xattr_words;  // 0, or 1 and one for every 4 bytes behind the header
  uint16_t mode, reserved;
  uint64_t size;
  uint32_t place;  // plain and inline: the first block; chunks: their form; else the device number
  uint32_t number, uid, gid;
  int64_t seconds;
  uint32_t nanoseconds, links;
  uint8_t reserved2[16];
};
static_assert(sizeof(Inode) == 64 && offsetof(Inode, links) == 44);

struct XattrHeader {
  uint32_t filter;
  uint8_t shared, reserved[7];
};
static_assert(sizeof(XattrHeader) == 12);

struct XattrEntry {
  uint8_t name_length, prefix;
  uint16_t value_length;
};
static_assert(sizeof(XattrEntry) == 4);
constexpr size_t kMostXattrWords = 0xffff, kLongestXattrName = 0xff, kLongestXattrValue = 0xffff;

/// Names of a block come in the order of their bytes, so that a block and a name in it are found by halving.
struct DirectoryEntry {
  uint32_t inode_low, inode_high;
  uint16_t name_at;
  uint8_t type, reserved;
};
static_assert(sizeof(DirectoryEntry) == 12);

enum class FileType : uint8_t {
  kRegular = 1,
  kDirectory = 2,
  kCharacter = 3,
  kFifo = 5,
  kSymlink = 7
};

constexpr size_t kLongestName = 255;
/// A chunk that is a hole.
constexpr uint32_t kHole = 0xffffffff;

}  // namespace berth::sys::erofs
