// The parts of unpacking that need no file system: numbers, pax records, headers, gzip members. Whole layers are tested from TypeScript
// against umoci and GNU tar.
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "sys/gunzip.h"
#include "sys/sha256.h"
#include "sys/tar_reader.h"

using namespace berth::sys;

namespace {

/// An archive in memory, given out in small pieces so that every boundary is crossed.
class Memory : public ByteSource {
 public:
  explicit Memory(std::string bytes, size_t piece = 7) : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const size_t length = std::min({static_cast<size_t>(at_most), piece_, bytes_.size() - at_});
    const auto* start = reinterpret_cast<const uint8_t*>(bytes_.data()) + at_;
    at_ += length;
    return std::span<const uint8_t>(start, length);
  }

 private:
  std::string bytes_;
  size_t piece_, at_ = 0;
};

std::string checksummed(TarBlock& block) {
  memset(block.checksum, ' ', sizeof block.checksum);
  unsigned sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) sum += reinterpret_cast<const unsigned char*>(&block)[i];
  snprintf(block.checksum, sizeof block.checksum, "%06o", sum);
  return {reinterpret_cast<const char*>(&block), kTarBlock};
}

std::string header(const std::string& name, char type, uint64_t size) {
  TarBlock block{};
  memcpy(block.name, name.data(), std::min(name.size(), sizeof block.name));
  memcpy(block.magic, "ustar", 6);
  memcpy(block.version, "00", 2);
  snprintf(block.mode, sizeof block.mode, "%07o", 0644U);
  snprintf(block.size, sizeof block.size, "%011lo", static_cast<unsigned long>(size));
  block.type = type;
  return checksummed(block);
}

/// Of the old GNU kind, 400 bytes: four parts of a byte each, and more to come in the next block.
std::string sparse_header(const std::string& name) {
  TarBlock block{};
  const std::string plain = header(name, 'S', 4);
  memcpy(&block, plain.data(), kTarBlock);
  memcpy(block.magic, "ustar  ", 8);
  auto* const bytes = reinterpret_cast<char*>(&block);
  for (size_t i = 0; i < 4; ++i)
    snprintf(bytes + 386 + 24 * i, 24, "%011o %011o", static_cast<unsigned>(100 * i), 1U);
  bytes[482] = 1;
  snprintf(bytes + 483, 12, "%011o", 400U);
  return checksummed(block);
}

std::string padded(std::string data) {
  data.resize((data.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
  return data;
}

std::string record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

const TarLimits kLimits{100, 4096, 1 << 16};

struct Outcome {
  std::vector<TarEntry> entries;
  std::string code;
};

Outcome read_all(const std::string& archive, const TarLimits& limits = kLimits) {
  Memory memory(archive);
  Refusal refusal;
  TarReader reader(memory, limits, refusal);
  Outcome outcome;
  for (;;) {
    TarEntry entry;
    auto more = reader.next(entry);
    if (!more || !*more) break;
    outcome.entries.push_back(entry);
  }
  outcome.code = refusal.code();
  return outcome;
}

std::string deflated(const std::string& text) {
  std::string out(compressBound(text.size()) + 32, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Inflates with input and output in pieces; the text, or the code of the refusal.
std::string inflated(const std::string& blob, size_t input_piece, size_t output_piece) {
  Refusal refusal;
  Gunzip gunzip(refusal);
  std::string text;
  std::vector<uint8_t> output(output_piece);
  for (size_t at = 0; at <= blob.size(); at += input_piece) {
    std::span<const uint8_t> input(reinterpret_cast<const uint8_t*>(blob.data()) + at,
                                   std::min(input_piece, blob.size() - at));
    for (;;) {
      auto length = gunzip.inflate(input, output);
      if (!length) return refusal.code();
      text.append(reinterpret_cast<const char*>(output.data()), *length);
      if (*length == 0) break;
    }
  }
  return gunzip.finish() ? text : refusal.code();
}

}  // namespace

TEST_CASE("tar numbers: octal, base-256, and nothing else") {
  const auto number = [](const std::string& field) {
    return tar_number(field.data(), field.size());
  };
  CHECK(number("0000644") == 0644);
  CHECK(number(std::string("  17 \0", 6)) == 15);
  CHECK(number(std::string("\0\0\0\0", 4)) == 0);
  CHECK(number(std::string("\x80\0\0\0\0\0\0\0\0\0\0\x2a", 12)) == 42);
  CHECK(number(std::string(12, '\xff')) == -1);
  CHECK(number("8") == std::nullopt);
  CHECK(number("12x4") == std::nullopt);
  CHECK(number(std::string("\x80\1\0\0\0\0\0\0\0\0\0\0", 12)) == std::nullopt);
  CHECK(number(std::string("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12)) == std::nullopt);
  CHECK(number("777777777777777777777777") == std::nullopt);
}

TEST_CASE("pax times and numbers") {
  CHECK(pax_time("1.5")->tv_nsec == 500'000'000);
  CHECK(pax_time("-1.25")->tv_sec == -2);
  CHECK(pax_time("-1.25")->tv_nsec == 750'000'000);
  CHECK(pax_time("7.1234567899")->tv_nsec == 123'456'789);
  CHECK_FALSE(pax_time("1.x"));
  CHECK_FALSE(pax_time(""));
  CHECK_FALSE(pax_number("99999999999999999999"));
  CHECK_FALSE(pax_number("-1"));
  CHECK(base64_decoded("AQID") == "\1\2\3");
  CHECK_FALSE(base64_decoded("A!"));
  CHECK(percent_decoded("user.a%20b") == "user.a b");
  CHECK_FALSE(percent_decoded("%00"));
  CHECK_FALSE(percent_decoded("%2"));
}

TEST_CASE("malformed pax records are refused") {
  for (const std::string bad : {"5 a=b", "99 a=b\n", "x a=b\n", "4 a\n\n", "6 a=b\0", "0 \n",
                                "18446744073709551617 a=b\n"}) {
    PaxRecords records;
    Refusal refusal;
    CHECK_FALSE(records.parse(bad, refusal));
    CHECK(refusal.code() == "BAD_TAR");
  }
}

TEST_CASE("names: prefix, long, pax, in rising order of strength") {
  const std::string pax = record("path", "from pax");
  const auto outcome =
      read_all(padded(header("short", 'L', 10) + padded("from long")) + header("short", '0', 0) +
               header("x", 'x', pax.size()) + padded(pax) + header("short", '0', 0) +
               header("folder/", '0', 0) + std::string(1024, '\0') + "trailing");
  CHECK(outcome.code.empty());
  REQUIRE(outcome.entries.size() == 3);
  CHECK(outcome.entries[0].name == "from long");
  CHECK(outcome.entries[1].name == "from pax");
  CHECK(outcome.entries[2].type == TarType::kDirectory);
}

TEST_CASE("global records hold until they are taken away") {
  const std::string global = record("uid", "77"), none = record("uid", "");
  const auto outcome =
      read_all(header("g", 'g', global.size()) + padded(global) + header("a", '0', 0) +
               header("x", 'x', none.size()) + padded(none) + header("b", '0', 0));
  REQUIRE(outcome.entries.size() == 2);
  CHECK(outcome.entries[0].uid == 77);
}

TEST_CASE("truncated and damaged archives are refused, wherever they end") {
  const std::string whole =
      header("file", '0', 1000) + padded(std::string(1000, 'x')) + header("next", '5', 0);
  for (size_t length = 1; length < whole.size(); ++length) {
    const auto outcome = read_all(whole.substr(0, length));
    const bool between = length == 512 + 1024;
    CHECK_MESSAGE((outcome.code == "BAD_TAR") == !between, length);
  }
  CHECK(read_all(header("a", '0', 0) + std::string(512, '\0') + header("b", '0', 0)).code ==
        "BAD_TAR");
  CHECK(read_all(header("a", 'Z', 0)).code == "BAD_TAR");
  CHECK(read_all(header("x", 'x', 0)).entries.empty());
  const std::string pax = record("path", "p");
  CHECK(read_all(header("x", 'x', pax.size()) + padded(pax)).code == "BAD_TAR");
}

TEST_CASE("sparse maps must fit their file") {
  const auto sparse = [](const std::string& map, const std::string& size) {
    const std::string pax = record("GNU.sparse.major", "0") + record("GNU.sparse.minor", "1") +
                            record("GNU.sparse.map", map) + record("GNU.sparse.size", size);
    return read_all(header("x", 'x', pax.size()) + padded(pax) + header("f", '0', 4) +
                    padded("data"))
        .code;
  };
  CHECK(sparse("0,4", "100").empty());
  CHECK(sparse("96,4", "100").empty());
  CHECK(sparse("97,4", "100") == "BAD_TAR");
  CHECK(sparse("0,2,1,2", "100") == "BAD_TAR");
  CHECK(sparse("0,3", "100") == "BAD_TAR");
  CHECK(sparse("0,4,50", "100") == "BAD_TAR");
  CHECK(sparse("9223372036854775807,4", "9223372036854775807") == "BAD_TAR");
}

TEST_CASE("each limit stops what no other one would") {
  const auto extended = [](char type, const std::string& pax) {
    return header("x", type, pax.size()) + padded(pax);
  };
  const std::string file = header("f", '0', 0);
  CHECK(read_all(file + file + file, {2, 4096, 1 << 16}).code == "LIMIT_EXCEEDED");
  // Before any of it is read.
  CHECK(read_all(header("x", 'L', 1 << 30)).code == "LIMIT_EXCEEDED");
  CHECK(read_all(header("x", 'x', 1 << 30)).code == "LIMIT_EXCEEDED");
  const std::string half(40'000, 'v');
  CHECK(read_all(extended('g', record("a", half)) + extended('g', record("b", half)) + file).code ==
        "LIMIT_EXCEEDED");
  CHECK(read_all(extended('x', record("path", std::string(5000, 'n'))) + file).code ==
        "LIMIT_EXCEEDED");
  CHECK(read_all(extended('x', record("linkpath", std::string(5000, 'n'))) + file).code ==
        "LIMIT_EXCEEDED");

  const std::string old_sparse = sparse_header("s") + std::string(512, '\0') + padded("data");
  CHECK(read_all(old_sparse).code.empty());
  CHECK(read_all(old_sparse, {100, 4096, 4 * sizeof(SparsePart) - 1}).code == "LIMIT_EXCEEDED");
  const std::string map = padded("4097\n");
  const std::string sparse = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") +
                             record("GNU.sparse.realsize", "9");
  CHECK(read_all(extended('x', sparse) + header("f", '0', map.size()) + map).code ==
        "LIMIT_EXCEEDED");
}

TEST_CASE("gzip: members, boundaries, damage") {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i * 7919 % 1000);
  const std::string blob =
      deflated(text.substr(0, 50'000)) + deflated("") + deflated(text.substr(50'000));
  for (const auto& [in, out] :
       {std::pair<size_t, size_t>{1, 997}, {997, 1}, {4096, 65536}, {1 << 20, 1 << 20}}) {
    CHECK(inflated(blob, in, out) == text);
  }
  CHECK(inflated("", 10, 10) == "BAD_COMPRESSION");
  CHECK(inflated(blob.substr(0, blob.size() - 1), 4096, 4096) == "BAD_COMPRESSION");
  CHECK(inflated(blob + std::string(64, 'z'), 4096, 4096) == "BAD_COMPRESSION");
  std::string checksum = deflated(text);
  checksum[checksum.size() - 6] ^= 1;
  CHECK(inflated(checksum, 4096, 4096) == "BAD_COMPRESSION");
}

TEST_CASE("sha256 of the standard's example") {
  Sha256 hash;
  hash.update(std::span(reinterpret_cast<const uint8_t*>("abc"), 3));
  CHECK(hash.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
