#include "sys/tar_writer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace berth::sys {
namespace {

// What the octal digits of a header can hold.
constexpr uint64_t kMostId = 07777777, kMostSize = 077777777777;

/// `LENGTH KEY=VALUE\n`, the length counting itself.
void add_record(std::string& records, const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  records += std::to_string(length) + rest;
}

template <size_t N>
void set_number(char (&field)[N], uint64_t number) {
  // One digit for each octal place, ended by NUL.
  for (size_t i = N - 1; i-- > 0; number >>= 3) field[i] = static_cast<char>('0' + (number & 7));
  field[N - 1] = '\0';
}

template <size_t N>
void set_text(char (&field)[N], const std::string& text) {
  memcpy(field, text.data(), std::min(text.size(), N));
}

void set_checksum(TarBlock& block) {
  memset(block.checksum, ' ', sizeof block.checksum);
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
  for (size_t i = 0; i < kTarBlock; ++i) sum += bytes[i];
  snprintf(block.checksum, sizeof block.checksum, "%06o", sum & 0777777);
}

char type_of(const TarEntry& entry) {
  switch (entry.type) {
    case TarType::kFile:
      return '0';
    case TarType::kHardLink:
      return '1';
    case TarType::kSymlink:
      return '2';
    case TarType::kDevice:
      return entry.device.block ? '4' : '3';
    case TarType::kDirectory:
      return '5';
    case TarType::kFifo:
      return '6';
  }
  return '0';
}

/// Seconds with nine digits behind the point, as GNU tar and Go write them.
std::string time_text(const timespec& time) {
  // A negative time counts its fraction upward (clock_gettime(2)); as text it has one sign for both.
  const bool negative = time.tv_sec < 0 && time.tv_nsec > 0;
  const long long whole = negative ? time.tv_sec + 1 : time.tv_sec;
  const long fraction = negative ? 1'000'000'000 - time.tv_nsec : time.tv_nsec;
  std::string text = (negative && whole == 0 ? "-" : "") + std::to_string(whole);
  if (fraction == 0) return text;
  char digits[16];
  snprintf(digits, sizeof digits, ".%09ld", fraction);
  text += digits;
  return text.substr(0, text.find_last_not_of('0') + 1);
}

/// The map that stands before a sparse file's data, padded to a whole block.
std::string sparse_map(const TarEntry& entry) {
  std::string map = std::to_string(entry.parts.size()) + "\n";
  for (const SparsePart& part : entry.parts)
    map += std::to_string(part.offset) + "\n" + std::to_string(part.length) + "\n";
  map.resize((map.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
  return map;
}

void fill(TarBlock& block, const std::string& name, char type, uint64_t size) {
  set_text(block.name, name);
  set_number(block.mode, 0644);
  set_number(block.uid, 0);
  set_number(block.gid, 0);
  set_number(block.size, size);
  set_number(block.mtime, 0);
  block.type = type;
  memcpy(block.magic, "ustar", sizeof block.magic);
  memcpy(block.version, "00", sizeof block.version);
  set_number(block.major, 0);
  set_number(block.minor, 0);
}

std::span<const uint8_t> bytes_of(const void* data, size_t size) {
  return {static_cast<const uint8_t*>(data), size};
}

}  // namespace

Result<void> TarWriter::begin(const TarEntry& entry) {
  std::string records, map;
  uint64_t stored = entry.type == TarType::kFile ? entry.size : 0;
  if (entry.sparse) {
    map = sparse_map(entry);
    stored = map.size();
    for (const SparsePart& part : entry.parts) stored += part.length;
    add_record(records, "GNU.sparse.major", "1");
    add_record(records, "GNU.sparse.minor", "0");
    add_record(records, "GNU.sparse.name", entry.name);
    add_record(records, "GNU.sparse.realsize", std::to_string(entry.size));
  } else if (entry.name.size() > sizeof TarBlock::name) {
    add_record(records, "path", entry.name);
  }
  if (entry.link.size() > sizeof TarBlock::link) add_record(records, "linkpath", entry.link);
  if (stored > kMostSize) add_record(records, "size", std::to_string(stored));
  if (entry.uid > kMostId) add_record(records, "uid", std::to_string(entry.uid));
  if (entry.gid > kMostId) add_record(records, "gid", std::to_string(entry.gid));
  const bool plain_time = entry.mtime.tv_sec >= 0 && entry.mtime.tv_nsec == 0 &&
                          static_cast<uint64_t>(entry.mtime.tv_sec) <= kMostSize;
  if (!plain_time) add_record(records, "mtime", time_text(entry.mtime));
  for (const auto& [name, value] : entry.xattrs) add_record(records, "SCHILY.xattr." + name, value);

  if (!records.empty()) {
    TarBlock block{};
    fill(block, "PaxHeaders.0/" + entry.name, 'x', records.size());
    set_checksum(block);
    written_ = 0;
    BERTH_TRY(sink_.write(bytes_of(&block, kTarBlock)));
    BERTH_TRY(write_text(records));
    BERTH_TRY(end());
  }
  TarBlock block{};
  fill(block, (entry.sparse ? "GNUSparseFile.0/" : "") + entry.name, type_of(entry),
       std::min(stored, kMostSize));
  set_number(block.mode, entry.mode);
  set_number(block.uid, std::min(entry.uid, kMostId));
  set_number(block.gid, std::min(entry.gid, kMostId));
  if (entry.mtime.tv_sec > 0)
    set_number(block.mtime, std::min(static_cast<uint64_t>(entry.mtime.tv_sec), kMostSize));
  set_text(block.link, entry.link);
  set_number(block.major, entry.device.major);
  set_number(block.minor, entry.device.minor);
  set_checksum(block);
  written_ = 0;
  BERTH_TRY(sink_.write(bytes_of(&block, kTarBlock)));
  return map.empty() ? Result<void>() : write_text(map);
}

Result<void> TarWriter::write_text(const std::string& text) {
  return data(bytes_of(text.data(), text.size()));
}

Result<void> TarWriter::data(std::span<const uint8_t> bytes) {
  written_ += bytes.size();
  return sink_.write(bytes);
}

Result<void> TarWriter::end() {
  static constexpr uint8_t kZeros[kTarBlock] = {};
  const size_t over = written_ % kTarBlock;
  written_ = 0;
  return over == 0 ? Result<void>() : sink_.write(bytes_of(kZeros, kTarBlock - over));
}

Result<void> TarWriter::finish() {
  static constexpr uint8_t kEnd[2 * kTarBlock] = {};
  return sink_.write(bytes_of(kEnd, sizeof kEnd));
}

}  // namespace berth::sys
