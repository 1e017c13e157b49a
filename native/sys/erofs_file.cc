#include "sys/erofs_file.h"

#include <unistd.h>

#include <algorithm>

#include "sys/erofs_format.h"

namespace berth::sys {
namespace {

using erofs::kBlock;

constexpr size_t kBuffer = 64 * kBlock;
constexpr uint64_t kExtent = 64 * kBlock;
/// More than that is put into a block of its own, as less would be lost there than at the end of a block of inodes.
constexpr uint64_t kLongestTail = kBlock / 2;
/// So many entries are written for a file with holes at most; its chunks are as large as that asks for.
constexpr uint64_t kMostChunks = 16384;
constexpr unsigned kLargestChunkBits = 31;  // above those of a block
constexpr uint64_t kMostBlocks = 0xffffffff;

constexpr uint64_t rounded_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

ErofsFile::ErofsFile(int file, Refusal& refusal)
    : file_(file), refusal_(refusal), end_(kBlock), begun_(kBlock) {
  data_.reserve(kBuffer);
}

Result<void> ErofsFile::write_at(uint64_t at, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted(
        [&] { return pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at)); });
    if (written < 0) return last_error("pwrite");
    bytes = bytes.subspan(static_cast<size_t>(written));
    at += static_cast<uint64_t>(written);
  }
  return {};
}

Result<void> ErofsFile::flush_data() {
  BERTH_TRY(write_at(end_ - data_.size(), data_));
  data_.clear();
  return {};
}

Result<void> ErofsFile::append(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    // What comes in large parts need not be copied together first.
    const size_t whole = bytes.size() / kBlock * kBlock;
    const bool direct = data_.empty() && whole >= kBuffer;
    const size_t length = direct ? whole : std::min(bytes.size(), kBuffer - data_.size());
    const auto part = bytes.first(length);
    if (direct) {
      BERTH_TRY(write_at(end_, part));
    } else {
      data_.insert(data_.end(), part.begin(), part.end());
    }
    end_ += length;
    bytes = bytes.subspan(length);
    if (data_.size() == kBuffer) BERTH_TRY(flush_data());
  }
  return {};
}

Result<uint32_t> ErofsFile::block_of(uint64_t at) {
  if (at / kBlock >= kMostBlocks)
    return refusal_.refuse("NO_IMAGE", "it is too large for one image");
  return static_cast<uint32_t>(at / kBlock);
}

Result<ErofsContent> ErofsFile::end_content() {
  ErofsContent content;
  content.size = end_ - begun_;
  BERTH_ASSIGN(content.block, block_of(begun_));
  const uint64_t rest = content.size % kBlock;
  if (rest > 0 && rest <= kLongestTail) {
    // Blocks leave the buffer whole, so the rest is in it.
    content.tail.assign(data_.end() - static_cast<ptrdiff_t>(rest), data_.end());
    data_.resize(data_.size() - rest);
    end_ -= rest;
  } else if (rest > 0) {
    data_.resize(data_.size() + (kBlock - rest));
    end_ += kBlock - rest;
    if (data_.size() >= kBuffer) BERTH_TRY(flush_data());
  }
  begun_ = end_;
  return content;
}

Result<void> ErofsFile::unfold_tail(ErofsContent& content) {
  content.tail.resize(kBlock);
  BERTH_TRY(append({reinterpret_cast<const uint8_t*>(content.tail.data()), kBlock}));
  content.tail.clear();
  begun_ = end_;
  return {};
}

Result<ErofsContent> ErofsFile::take(const TarEntry& entry, TarReader& archive) {
  begun_ = end_;
  if (entry.sparse && entry.size > 0) return take_holes(entry, archive);
  for (;;) {
    BERTH_ASSIGN(const std::span<const uint8_t> bytes, archive.data());
    if (bytes.empty()) return end_content();
    BERTH_TRY(append(bytes));
  }
}

Result<ErofsContent> ErofsFile::begin_chunks(uint64_t size) {
  unsigned bits = 0;
  while (bits < kLargestChunkBits && (size >> bits) / kBlock >= kMostChunks) ++bits;
  const uint64_t chunk = kBlock << bits;
  if (size / chunk >= kMostChunks)
    return refusal_.refuse("NO_IMAGE", "a file is too large for one image");
  ErofsContent content;
  content.size = size;
  content.chunk_form = bits;
  content.chunks.assign((size + chunk - 1) / chunk, erofs::kHole);
  BERTH_TRY(flush_data());
  return content;
}

/// Every chunk that has a byte gets room for all of it, of which the image's own file keeps the holes.
Result<void> ErofsFile::put_chunks(ErofsContent& content, uint64_t offset,
                                   std::span<const uint8_t> bytes) {
  const uint64_t chunk = kBlock << content.chunk_form;
  while (!bytes.empty()) {
    const uint64_t within = offset % chunk;
    const auto now = bytes.first(std::min<uint64_t>(bytes.size(), chunk - within));
    uint32_t& block = content.chunks[offset / chunk];
    if (block == erofs::kHole) {
      BERTH_ASSIGN(block, block_of(end_));
      end_ += chunk;
      BERTH_TRY(block_of(end_));
      begun_ = end_;
    }
    BERTH_TRY(write_at(block * kBlock + within, now));
    bytes = bytes.subspan(now.size());
    offset += now.size();
  }
  return {};
}

Result<ErofsContent> ErofsFile::take_holes(const TarEntry& entry, TarReader& archive) {
  BERTH_ASSIGN(ErofsContent content, begin_chunks(entry.size));
  // Parts rise and cover exactly the stored bytes: the reader has checked it.
  std::span<const uint8_t> bytes;
  for (const SparsePart& part : entry.parts) {
    for (uint64_t done = 0; done < part.length;) {
      if (bytes.empty()) {
        BERTH_ASSIGN(bytes, archive.data());
        if (bytes.empty()) return Error{EIO, "read"};
      }
      const auto now = bytes.first(std::min<uint64_t>(bytes.size(), part.length - done));
      BERTH_TRY(put_chunks(content, part.offset + done, now));
      bytes = bytes.subspan(now.size());
      done += now.size();
    }
  }
  return content;
}

Result<ErofsContent> ErofsFile::copy(int source, uint64_t size) {
  std::vector<uint8_t> buffer(kBuffer);
  const off_t first_hole = size == 0 ? 0 : lseek(source, 0, SEEK_HOLE);
  if (first_hole < 0) return last_error("lseek");
  const bool whole = static_cast<uint64_t>(first_hole) >= size;
  ErofsContent content;
  if (!whole) {
    BERTH_ASSIGN(content, begin_chunks(size));
  }
  for (uint64_t at = 0; at < size;) {
    off_t data = static_cast<off_t>(at);
    if (!whole) {
      data = lseek(source, data, SEEK_DATA);
      if (data < 0 && errno == ENXIO) break;
      if (data < 0) return last_error("lseek");
    }
    off_t end = static_cast<off_t>(size);
    if (!whole) {
      end = lseek(source, data, SEEK_HOLE);
      if (end < 0) return last_error("lseek");
    }
    at = static_cast<uint64_t>(data);
    const uint64_t until = std::min(static_cast<uint64_t>(end), size);
    while (at < until) {
      const size_t wanted = std::min<uint64_t>(buffer.size(), until - at);
      const ssize_t length = retry_interrupted(
          [&] { return pread(source, buffer.data(), wanted, static_cast<off_t>(at)); });
      if (length < 0) return last_error("pread");
      if (length == 0) return Error{EIO, "pread"};
      const auto part = std::span<const uint8_t>(buffer).first(static_cast<size_t>(length));
      BERTH_TRY(whole ? append(part) : put_chunks(content, at, part));
      at += part.size();
    }
  }
  return whole ? end_content() : Result<ErofsContent>(std::move(content));
}

bool ErofsFile::fits(uint64_t fixed, uint64_t tail) { return fixed % kBlock + tail <= kBlock; }

Result<uint64_t> ErofsFile::allocate(uint64_t size) {
  BERTH_TRY(flush_data());
  const uint64_t at = end_;
  end_ += rounded_up(size, kBlock);
  begun_ = end_;
  BERTH_TRY(block_of(end_));
  return at;
}

Result<uint64_t> ErofsFile::room(uint64_t fixed, uint64_t tail) {
  const auto placed = [&](uint64_t at) {
    at = rounded_up(at, erofs::kSlot);
    if (tail == 0) return at;
    return (at + fixed) % kBlock + tail <= kBlock ? at : rounded_up(at, kBlock);
  };
  if (fixed + tail > kExtent / 4) return allocate(fixed + tail);
  uint64_t at = placed(extent_ + used_);
  if (extent_ == 0 || at + fixed + tail > extent_ + kExtent) {
    BERTH_TRY(write_at(extent_, inodes_));
    inodes_.assign(kExtent, 0);
    BERTH_ASSIGN(extent_, allocate(kExtent));
    at = placed(extent_);
  }
  used_ = at + fixed + tail - extent_;
  return at;
}

Result<void> ErofsFile::put(uint64_t at, std::span<const uint8_t> bytes) {
  if (inodes_.empty() || at < extent_ || at + bytes.size() > extent_ + kExtent)
    return write_at(at, bytes);
  std::copy(bytes.begin(), bytes.end(), inodes_.begin() + static_cast<ptrdiff_t>(at - extent_));
  return {};
}

Result<void> ErofsFile::read_back(uint64_t at, std::span<uint8_t> into) {
  const ssize_t length = retry_interrupted(
      [&] { return pread(file_, into.data(), into.size(), static_cast<off_t>(at)); });
  if (length < 0) return last_error("pread");
  if (static_cast<size_t>(length) != into.size()) return Error{EIO, "pread"};
  return {};
}

Result<void> ErofsFile::flush() {
  BERTH_TRY(flush_data());
  BERTH_TRY(write_at(extent_, inodes_));
  inodes_.clear();
  return {};
}

Result<uint32_t> ErofsFile::finish() {
  BERTH_TRY(flush());
  BERTH_ASSIGN(const uint32_t blocks, block_of(end_));
  if (ftruncate(file_, static_cast<off_t>(end_)) != 0) return last_error("ftruncate");
  return blocks;
}

}  // namespace berth::sys
