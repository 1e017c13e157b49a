#include "sys/archive_extract.h"

#include <fcntl.h>

#include "sys/blob_job.h"
#include "sys/fd.h"
#include "sys/sha256.h"
#include "sys/tar_contents.h"

namespace berth::sys {
namespace {

/// Read again: the hash of a sparse file is that of its holes too.
Result<std::string> hash_of(int file) {
  Sha256 hash;
  std::vector<uint8_t> buffer(256 * 1024);
  for (off_t at = 0;;) {
    const ssize_t length =
        retry_interrupted([&] { return pread(file, buffer.data(), buffer.size(), at); });
    if (length < 0) return last_error("pread");
    if (length == 0) return hash.hex();
    hash.update(std::span<const uint8_t>(buffer).first(static_cast<size_t>(length)));
    at += length;
  }
}

/// One member, its content in the file `name` of `folder`. `left`: the bytes that this member and all after it may have.
Result<ArchiveMember> take_member(const TarEntry& entry, TarReader& archive, int folder,
                                  const std::string& name, uint64_t& left, Refusal& refusal) {
  ArchiveMember member{entry.name, entry.link, entry.type, entry.size, {}};
  if (entry.type != TarType::kFile) return member;
  // Holes are hashed like everything else, and the archive says nothing of them but how many.
  if (entry.size > left)
    return refusal.refuse("LIMIT_EXCEEDED", "its members are larger than any layer may be");
  left -= entry.size;
  BERTH_ASSIGN(
      const Fd file,
      adopt(openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "openat"));
  BERTH_TRY(write_contents(file.get(), entry, archive));
  BERTH_ASSIGN(member.digest, hash_of(file.get()));
  return member;
}

Result<std::vector<ArchiveMember>> take_members(ByteSource& source, int folder,
                                                const ArchiveLimits& limits, Refusal& refusal) {
  TarReader archive(source, limits.tar, refusal);
  std::vector<ArchiveMember> members;
  TarEntry entry;
  uint64_t left = limits.blob.bytes;
  for (;;) {
    BERTH_ASSIGN(const bool more, archive.next(entry));
    if (!more) return members;
    if (members.size() >= limits.members) {
      return refusal.refuse("LIMIT_EXCEEDED",
                            "it has more than " + std::to_string(limits.members) + " members");
    }
    auto member =
        take_member(entry, archive, folder, std::to_string(members.size()), left, refusal);
    if (!member) {
      refusal.at(entry.name);
      return member.error();
    }
    members.push_back(std::move(*member));
  }
}

}  // namespace

Result<std::vector<ArchiveMember>> extract_archive(int archive, const std::string& folder,
                                                   const ArchiveLimits& limits, Refusal& refusal) {
  BERTH_ASSIGN(const Fd into,
               adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  BlobExpectation expected;
  expected.detect = true;
  expected.hashed = false;
  std::vector<ArchiveMember> members;
  BlobFacts facts;
  const auto consume = [&](ByteSource& source, Refusal& refused) -> Result<void> {
    BERTH_ASSIGN(members, take_members(source, into.get(), limits, refused));
    return drain(source);
  };
  BERTH_TRY(consume_blob(archive, -1, expected, limits.blob, consume, refusal, facts));
  return members;
}

}  // namespace berth::sys
