// Compression both ways, and archives that are written: what was put in comes out, and damage is found. Whole layers and archives of other tools
// are tested from TypeScript.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sys/compressor.h"
#include "sys/sha256.h"
#include "sys/tar_writer.h"

using namespace berth::sys;

namespace {

class Collector : public ByteSink {
 public:
  Result<void> write(std::span<const uint8_t> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  std::string text;
};

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string compressed(Compression compression, const std::string& text, size_t piece) {
  Collector out;
  const auto compressor = make_compressor(compression, out);
  REQUIRE(compressor != nullptr);
  for (size_t at = 0; at < text.size(); at += piece)
    REQUIRE(compressor->write(bytes_of(text).subspan(at, std::min(piece, text.size() - at))));
  REQUIRE(compressor->finish());
  return out.text;
}

/// With input and output in pieces; the text, or the code of the refusal.
std::string decompressed(Compression compression, const std::string& blob, size_t in, size_t out) {
  Refusal refusal;
  const auto decompressor = make_decompressor(compression, refusal);
  std::string text;
  std::vector<uint8_t> output(out);
  for (size_t at = 0; at <= blob.size(); at += in) {
    auto input = bytes_of(blob).subspan(at, std::min(in, blob.size() - at));
    for (;;) {
      auto length = decompressor->inflate(input, output);
      if (!length) return refusal.code();
      text.append(reinterpret_cast<const char*>(output.data()), *length);
      if (*length == 0) break;
    }
  }
  return decompressor->finish() ? text : refusal.code();
}

class Memory : public ByteSource {
 public:
  explicit Memory(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const size_t length = std::min({static_cast<size_t>(at_most), size_t{13}, bytes_.size() - at_});
    const auto part = bytes_of(bytes_).subspan(at_, length);
    at_ += length;
    return part;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

struct ReadBack {
  TarEntry entry;
  std::string stored;
};

ReadBack read_back(const TarEntry& entry, const std::string& stored) {
  Collector archive;
  TarWriter writer(archive);
  REQUIRE(writer.begin(entry));
  REQUIRE(writer.data(bytes_of(stored)));
  REQUIRE(writer.end());
  REQUIRE(writer.finish());
  CHECK(archive.text.size() % kTarBlock == 0);
  Memory memory(archive.text);
  Refusal refusal;
  TarReader reader(memory, {100, 4096, 1 << 16}, refusal);
  ReadBack back;
  auto more = reader.next(back.entry);
  REQUIRE_MESSAGE((more && *more), refusal.reason());
  for (;;) {
    auto part = reader.data();
    REQUIRE(part);
    if (part->empty()) break;
    back.stored.append(reinterpret_cast<const char*>(part->data()), part->size());
  }
  TarEntry next;
  auto end = reader.next(next);
  CHECK((end && !*end));
  return back;
}

}  // namespace

TEST_CASE("gzip and zstd: what is compressed comes out again, whatever the pieces") {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i * 7919 % 1000);
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const std::string whole = compressed(kind, text, text.size());
    CHECK(whole.size() < text.size());
    CHECK(detect_compression(bytes_of(whole)) == kind);
    CHECK(compressed(kind, text, text.size()) == whole);
    for (const auto& [in, out] :
         {std::pair<size_t, size_t>{1, 997}, {997, 1}, {4096, 65536}, {1 << 20, 1 << 20}}) {
      CHECK(decompressed(kind, whole, in, out) == text);
    }
    CHECK(decompressed(kind, compressed(kind, text, 100), 4096, 4096) == text);
    CHECK(decompressed(kind, whole + compressed(kind, "more", 4), 333, 4096) == text + "more");
    CHECK(decompressed(kind, whole.substr(0, whole.size() - 1), 4096, 4096) == "BAD_COMPRESSION");
    CHECK(decompressed(kind, whole + "garbage!", 4096, 4096) == "BAD_COMPRESSION");
    std::string damaged = whole;
    damaged[damaged.size() / 2] ^= 0x10;
    CHECK(decompressed(kind, damaged, 4096, 4096) == "BAD_COMPRESSION");
    CHECK(decompressed(kind, compressed(kind, "", 1), 1, 10).empty());
  }
  CHECK(compressed(Compression::kNone, text, 7) == text);
}

TEST_CASE("zeros behind a gzip member are padding, and nothing else is") {
  const std::string blob = compressed(Compression::kGzip, "text", 4);
  CHECK(decompressed(Compression::kGzip, blob + std::string(700, '\0'), 11, 4096) == "text");
  CHECK(decompressed(Compression::kGzip, blob + std::string(700, '\0') + "x", 11, 4096) ==
        "BAD_COMPRESSION");
}

TEST_CASE("no kind of compression takes nothing for something") {
  for (const Compression kind :
       {Compression::kGzip, Compression::kZstd, Compression::kXz, Compression::kBzip2}) {
    CHECK(decompressed(kind, "", 10, 10) == "BAD_COMPRESSION");
    CHECK(decompressed(kind, "plain text that is nothing else", 3, 10) == "BAD_COMPRESSION");
    CHECK(compression_named(compression_name(kind)) == kind);
  }
  CHECK(detect_compression(bytes_of("etc/passwd")) == Compression::kNone);
  CHECK(detect_compression({}) == Compression::kNone);
}

TEST_CASE("tar: what is written is read back") {
  TarEntry entry;
  entry.name = std::string(150, 'n') + "/file";
  entry.mode = 04751;
  entry.uid = 3'000'000;
  entry.gid = 65534;
  entry.size = 700;
  entry.mtime = {-6, 500'000'000};
  entry.xattrs = {{"security.capability", std::string("\1\0\0\2", 4)}, {"user.x", "y\nz"}};
  const std::string content(700, 'c');
  const auto [read, stored] = read_back(entry, content);
  CHECK(read.name == entry.name);
  CHECK(read.mode == 04751);
  CHECK(read.uid == 3'000'000);
  CHECK(read.gid == 65534);
  CHECK(read.mtime.tv_sec == -6);
  CHECK(read.mtime.tv_nsec == 500'000'000);
  CHECK(read.xattrs == entry.xattrs);
  CHECK(stored == content);

  TarEntry link;
  link.type = TarType::kSymlink;
  link.name = "link";
  link.link = std::string(200, 'l');
  link.mtime = {1'234'567'890, 123'456'789};
  const auto back = read_back(link, "");
  CHECK(back.entry.link == link.link);
  CHECK(back.entry.mtime.tv_nsec == 123'456'789);

  TarEntry sparse;
  sparse.name = "huge";
  sparse.sparse = true;
  sparse.size = uint64_t{1} << 40;
  sparse.parts = {{4096, 3}, {uint64_t{1} << 39, 2}, {uint64_t{1} << 40, 0}};
  const auto holes = read_back(sparse, "abcde");
  CHECK(holes.entry.size == sparse.size);
  CHECK(holes.entry.name == "huge");
  REQUIRE(holes.entry.parts.size() == 3);
  CHECK(holes.entry.parts[1].offset == uint64_t{1} << 39);
  CHECK(holes.stored == "abcde");
}

TEST_CASE("SHA-256 of two streams at once is that of each alone, whatever the pieces") {
  std::vector<uint8_t> bytes(300'000);
  uint32_t state = 1;
  const auto random = [&] { return (state = state * 1664525 + 1013904223) >> 8; };
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  const std::span<const uint8_t> all(bytes);
  for (int round = 0; round < 50; ++round) {
    Sha256 first, second, first_alone, second_alone;
    for (int piece = 0; piece < 8; ++piece) {
      const auto some = [&] {
        constexpr size_t kMost[] = {1, 64, 130, 20'000};
        return all.subspan(random() % 1000, random() % (kMost[random() % 4] + 1));
      };
      const auto of_first = some(), of_second = some();
      Sha256::update_both(first, of_first, second, of_second);
      first_alone.update(of_first);
      second_alone.update(of_second);
    }
    REQUIRE(first.hex() == first_alone.hex());
    REQUIRE(second.hex() == second_alone.hex());
  }
}
