#include "sys/tar_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "sys/defence.h"

namespace berth::sys {
namespace {

uint64_t padding_after(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

}  // namespace

Result<bool> TarReader::next(TarEntry& entry) {
  entry = TarEntry();
  local_.clear();
  long_name_.clear();
  long_link_.clear();
  while (!ended_) {
    BERTH_TRY(skip_rest());
    TarBlock block;
    BERTH_ASSIGN(const bool more, read_header(block));
    if (!more) break;
    BERTH_ASSIGN(const bool complete, describe(block, entry));
    if (complete) return true;
  }
  ended_ = true;
  if (local_.bytes() != 0 || !long_name_.empty() || !long_link_.empty()) {
    return refusal_.refuse("BAD_TAR", "the archive ends after an extended header");
  }
  return false;
}

Result<std::span<const uint8_t>> TarReader::data() {
  if (left_ == 0) return std::span<const uint8_t>();
  BERTH_ASSIGN(const std::span<const uint8_t> part, source_.take(left_));
  if (part.empty()) return refusal_.refuse("BAD_TAR", "the archive ends inside an entry");
  left_ -= part.size();
  return part;
}

Result<void> TarReader::skip_rest() {
  left_ += std::exchange(padding_, 0);
  while (left_ > 0) {
    BERTH_TRY(data());
  }
  return {};
}

/// False at the end of the source; an end within the block is a truncated archive.
Result<bool> TarReader::read_block(TarBlock& block) {
  auto* const bytes = reinterpret_cast<uint8_t*>(&block);
  size_t have = 0;
  while (have < kTarBlock) {
    BERTH_ASSIGN(const std::span<const uint8_t> part, source_.take(kTarBlock - have));
    if (part.empty()) break;
    memcpy(bytes + have, part.data(), part.size());
    have += part.size();
  }
  if (have != 0 && have != kTarBlock)
    return refusal_.refuse("BAD_TAR", "the archive ends inside a header");
  return have != 0;
}

/// The next header whose checksum holds; false at the end of the archive: two blocks of zeros, or,
/// as many writers have it, one or none before the data end.
Result<bool> TarReader::read_header(TarBlock& block) {
  BERTH_ASSIGN(bool more, read_block(block));
  if (!more) return false;
  if (block.all_zero()) {
    BERTH_ASSIGN(more, read_block(block));
    if (!more || block.all_zero()) return false;
    return refusal_.refuse("BAD_TAR", "a lone block of zeros stands between entries");
  }
  if (!block.checksum_holds()) return refusal_.refuse("BAD_TAR", "a header's checksum is wrong");
  if (++headers_ > limits_.entries && holds("entry-count")) {
    return refusal_.refuse("LIMIT_EXCEEDED",
                           "it has more than " + std::to_string(limits_.entries) + " entries");
  }
  return true;
}

/// The stored bytes of a header that is itself data: a long name or extended records.
Result<std::string> TarReader::read_text(uint64_t size, uint64_t limit, const char* what) {
  if (size > limit) {
    return refusal_.refuse("LIMIT_EXCEEDED", std::string(what) + " has " + std::to_string(size) +
                                                 " bytes, over the limit of " +
                                                 std::to_string(limit));
  }
  left_ = size;
  padding_ = padding_after(size);
  std::string text;
  text.reserve(size);
  for (;;) {
    BERTH_ASSIGN(const std::span<const uint8_t> part, data());
    if (part.empty()) break;
    text.append(reinterpret_cast<const char*>(part.data()), part.size());
  }
  BERTH_TRY(skip_rest());
  return text;
}

const std::string* TarReader::record(const std::string& key) const {
  const std::string* found = local_.find(key);
  if (found == nullptr) found = global_.find(key);
  return found == nullptr || found->empty() ? nullptr : found;
}

/// Takes in one header: true when `entry` is complete, false when the header only prepares the
/// next.
Result<bool> TarReader::describe(const TarBlock& block, TarEntry& entry) {
  const auto size = tar_number(block.size, sizeof block.size);
  if (!size || *size < 0) return refusal_.refuse("BAD_TAR", "a header's size is no number");
  const auto stored = static_cast<uint64_t>(*size);
  switch (block.type) {
    case 'L':
    case 'K': {
      // GNU tar ends the text with a NUL, which is not part of the name.
      BERTH_ASSIGN(const std::string text, read_text(stored, limits_.path_length + 1, "a name"));
      (block.type == 'L' ? long_name_ : long_link_) = tar_text(text.data(), text.size());
      return false;
    }
    case 'x':
    case 'X':
    case 'g': {
      PaxRecords& records = block.type == 'g' ? global_ : local_;
      BERTH_ASSIGN(const std::string text, read_text(stored, limits_.pax_bytes, "a pax header"));
      BERTH_TRY(records.parse(text, refusal_));
      if (records.bytes() > limits_.pax_bytes)
        return refusal_.refuse("LIMIT_EXCEEDED", "its pax records are too large");
      return false;
    }
    case 'V':  // the volume's label, which GNU tar puts first
      return false;
    case '0':
    case '\0':
    case '7':
    case 'S':
      entry.type = TarType::kFile;
      break;
    case '1':
      entry.type = TarType::kHardLink;
      break;
    case '2':
      entry.type = TarType::kSymlink;
      break;
    case '3':
    case '4':
      entry.type = TarType::kDevice;
      break;
    case '5':
    case 'D':  // of an incremental GNU archive: its data are a list of names
      entry.type = TarType::kDirectory;
      break;
    case '6':
      entry.type = TarType::kFifo;
      break;
    default:
      BERTH_TRY(apply_names(block, entry));
      refusal_.at(entry.name);
      return refusal_.refuse("BAD_TAR",
                             std::string("entries of type '") + block.type + "' are not supported");
  }
  BERTH_TRY(apply_names(block, entry));
  uint64_t in_archive = stored;
  if (const std::string* text = record("size"); text != nullptr) {
    const auto number = pax_number(*text);
    if (!number) return refusal_.refuse("BAD_TAR", "a pax size is no number");
    in_archive = *number;
  }
  // Only files have data, whatever the size field of another type says (so do GNU tar and Go).
  left_ = entry.type == TarType::kFile || block.type == 'D' ? in_archive : 0;
  padding_ = padding_after(left_);
  entry.size = entry.type == TarType::kFile ? left_ : 0;
  BERTH_TRY(apply_numbers(block, entry));
  BERTH_TRY(apply_xattrs(entry));
  if (block.type == 'S') {
    BERTH_TRY(apply_old_sparse(block, entry));
  } else if (entry.type == TarType::kFile) {
    BERTH_TRY(apply_pax_sparse(entry));
  }
  if (entry.sparse) BERTH_TRY(check_sparse(entry));
  // V7 archives have no type for directories: a slash at the end of the name tells.
  if (entry.type == TarType::kFile && entry.name.ends_with('/')) {
    entry.type = TarType::kDirectory;
    BERTH_TRY(skip_rest());
  }
  return true;
}

Result<void> TarReader::apply_names(const TarBlock& block, TarEntry& entry) {
  entry.name = long_name_.empty() ? block.full_name() : long_name_;
  entry.link = long_link_.empty() ? tar_text(block.link, sizeof block.link) : long_link_;
  if (const std::string* path = record("path"); path != nullptr) entry.name = *path;
  if (const std::string* path = record("GNU.sparse.name"); path != nullptr) entry.name = *path;
  if (const std::string* link = record("linkpath"); link != nullptr) entry.link = *link;
  if (std::max(entry.name.size(), entry.link.size()) > limits_.path_length) {
    return refusal_.refuse("LIMIT_EXCEEDED", "a name is longer than " +
                                                 std::to_string(limits_.path_length) + " bytes");
  }
  return {};
}

Result<void> TarReader::apply_numbers(const TarBlock& block, TarEntry& entry) {
  const auto id = [&](const char* key, const char* field, size_t size) -> std::optional<uint64_t> {
    if (const std::string* text = record(key); text != nullptr) return pax_number(*text);
    const auto number = tar_number(field, size);
    if (!number || *number < 0) return std::nullopt;
    return static_cast<uint64_t>(*number);
  };
  const auto uid = id("uid", block.uid, sizeof block.uid);
  const auto gid = id("gid", block.gid, sizeof block.gid);
  const auto mode = tar_number(block.mode, sizeof block.mode);
  std::optional<timespec> mtime;
  if (const std::string* text = record("mtime"); text != nullptr) {
    mtime = pax_time(*text);
  } else if (const auto seconds = tar_number(block.mtime, sizeof block.mtime)) {
    mtime = timespec{*seconds, 0};
  }
  if (!uid || !gid || !mode || *mode < 0 || !mtime) {
    refusal_.at(entry.name);
    return refusal_.refuse("BAD_TAR", "its owner, mode or time is no number");
  }
  entry.uid = *uid;
  entry.gid = *gid;
  entry.mode = static_cast<mode_t>(*mode & 07777);
  entry.mtime = *mtime;
  return {};
}

Result<void> TarReader::apply_xattrs(TarEntry& entry) {
  for (const PaxRecords* records : {&global_, &local_}) {
    for (const auto& [key, value] : records->all()) {
      // What the entry states itself, and only that, counts.
      if (records == &global_ && local_.find(key) != nullptr) continue;
      BERTH_TRY(apply_xattr(*records, key, value, entry));
    }
  }
  return {};
}

Result<void> TarReader::apply_xattr(const PaxRecords& records, const std::string& key,
                                    const std::string& value, TarEntry& entry) {
  constexpr std::string_view kSchily = "SCHILY.xattr.", kLibarchive = "LIBARCHIVE.xattr.";
  if (key.starts_with(kSchily)) {
    entry.xattrs.emplace_back(key.substr(kSchily.size()), value);
  } else if (key.starts_with(kLibarchive)) {
    auto name = percent_decoded(key.substr(kLibarchive.size()));
    auto content = base64_decoded(value);
    if (!name || !content) return refusal_.refuse("BAD_TAR", "an extended attribute is malformed");
    // libarchive writes both forms; the plain one is exact.
    if (records.find(std::string(kSchily) + *name) == nullptr)
      entry.xattrs.emplace_back(*name, *content);
  }
  return {};
}

}  // namespace berth::sys
