#include "sys/layer_blob.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "sys/gunzip.h"
#include "sys/sha256.h"

namespace berth::sys {
namespace {

constexpr size_t kReadSize = 256 * 1024;
constexpr uint8_t kGzipMagic[] = {0x1f, 0x8b};  // RFC 1952

Result<void> write_all(int file, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        retry_interrupted([&] { return write(file, bytes.data(), bytes.size()); });
    if (written < 0) return last_error("write");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Error mismatch(Refusal& refusal, const char* code, const char* what, const std::string& expected,
               const std::string& found) {
  return refusal.refuse(code,
                        std::string("its ") + what + " should be " + expected + " and is " + found);
}

class BlobStream {
 public:
  BlobStream(int blob, int copy, const BlobExpectation& expected, const BlobLimits& limits,
             ChunkQueue& queue, Refusal& refusal)
      : blob_(blob),
        copy_(copy),
        expected_(expected),
        limits_(limits),
        queue_(queue),
        refusal_(refusal) {}

  Result<void> run() {
    std::string archive_hash;
    std::thread hasher;
    if (expected_.gzip) hasher = std::thread([&] { archive_hash = hash_archive(); });
    const auto outcome = expected_.gzip ? inflate() : pass_through();
    queue_.close(!outcome);
    if (hasher.joinable()) hasher.join();
    if (!outcome) return outcome.error();
    const std::string digest = "sha256:" + blob_hash_.hex();
    const std::string wanted = "sha256:" + expected_.digest;
    if (read_ != expected_.size) {
      return mismatch(refusal_, "SIZE_MISMATCH", "size", std::to_string(expected_.size),
                      std::to_string(read_));
    }
    if (digest != wanted) return mismatch(refusal_, "DIGEST_MISMATCH", "digest", wanted, digest);
    const std::string diff_id = expected_.gzip ? "sha256:" + archive_hash : digest;
    if (diff_id != "sha256:" + expected_.diff_id) {
      return mismatch(refusal_, "DIFF_ID_MISMATCH", "diff id", "sha256:" + expected_.diff_id,
                      diff_id);
    }
    return {};
  }

  uint64_t archive_bytes() const { return produced_; }

 private:
  /// Reads once into `into`; 0 at the end. More than the size stated is refused before it is used.
  Result<size_t> read_some(std::span<uint8_t> into) {
    const ssize_t length = retry_interrupted([&] { return read(blob_, into.data(), into.size()); });
    if (length < 0) return last_error("read");
    const auto part = into.first(static_cast<size_t>(length));
    read_ += part.size();
    if (read_ > expected_.size) {
      return mismatch(refusal_, "SIZE_MISMATCH", "size", std::to_string(expected_.size), "more");
    }
    blob_hash_.update(part);
    if (copy_ >= 0) BERTH_TRY(write_all(copy_, part));
    return part.size();
  }

  Result<void> hand_on(size_t length) {
    produced_ += length;
    if (produced_ > limits_.bytes) {
      return refusal_.refuse("LIMIT_EXCEEDED",
                             "it unpacks to more than " + std::to_string(limits_.bytes) + " bytes");
    }
    if (produced_ > limits_.ratio_grace && produced_ / limits_.ratio > read_) {
      return refusal_.refuse("LIMIT_EXCEEDED", "it unpacks to more than " +
                                                   std::to_string(limits_.ratio) +
                                                   " times its size, as a decompression bomb does");
    }
    queue_.push(length);
    return {};
  }

  Result<std::span<uint8_t>> vacant() {
    const auto chunk = queue_.vacant();
    if (chunk.empty()) return Error{ECANCELED, "write"};
    return chunk;
  }

  /// Beside the inflating: the two cost about the same.
  std::string hash_archive() {
    Sha256 hash;
    for (;;) {
      const auto chunk = queue_.witness();
      if (chunk.empty()) return hash.hex();
      hash.update(chunk);
    }
  }

  Result<void> pass_through() {
    for (bool first = true;; first = false) {
      BERTH_ASSIGN(const std::span<uint8_t> chunk, vacant());
      BERTH_ASSIGN(const size_t length, read_some(chunk));
      if (length == 0) return {};
      if (first && length > 1 && chunk[0] == kGzipMagic[0] && chunk[1] == kGzipMagic[1]) {
        return refusal_.refuse("BAD_TAR", "it is gzip, and its media type says that it is not");
      }
      BERTH_TRY(hand_on(length));
    }
  }

  Result<void> inflate() {
    Gunzip gunzip(refusal_);
    std::vector<uint8_t> buffer(kReadSize);
    std::span<const uint8_t> input;
    bool ended = false;
    while (!ended) {
      BERTH_ASSIGN(const std::span<uint8_t> chunk, vacant());
      size_t filled = 0;
      while (filled < chunk.size()) {
        if (input.empty()) {
          BERTH_ASSIGN(const size_t length, read_some(buffer));
          ended = length == 0;
          if (ended) {
            // ISA-L may hold back output that only lacked room.
            BERTH_ASSIGN(const size_t last, gunzip.inflate(input, chunk.subspan(filled)));
            filled += last;
            ended = last == 0;
            if (ended) break;
            continue;
          }
          input = std::span<const uint8_t>(buffer).first(length);
        }
        BERTH_ASSIGN(const size_t written, gunzip.inflate(input, chunk.subspan(filled)));
        filled += written;
      }
      if (filled > 0) BERTH_TRY(hand_on(filled));
    }
    return gunzip.finish();
  }

  const int blob_, copy_;
  const BlobExpectation& expected_;
  const BlobLimits& limits_;
  ChunkQueue& queue_;
  Refusal& refusal_;
  Sha256 blob_hash_;
  uint64_t read_ = 0, produced_ = 0;
};

}  // namespace

Result<void> stream_blob(int blob, int copy, const BlobExpectation& expected,
                         const BlobLimits& limits, ChunkQueue& queue, Refusal& refusal,
                         uint64_t& archive_bytes) {
  BlobStream stream(blob, copy, expected, limits, queue, refusal);
  auto outcome = stream.run();
  archive_bytes = stream.archive_bytes();
  return outcome;
}

Result<void> verify_blob(int blob, const BlobExpectation& expected, Refusal& refusal) {
  Sha256 hash;
  std::vector<uint8_t> buffer(kReadSize);
  uint64_t at = 0;
  for (;;) {
    const ssize_t length = retry_interrupted(
        [&] { return pread(blob, buffer.data(), buffer.size(), static_cast<off_t>(at)); });
    if (length < 0) return last_error("pread");
    if (length == 0) break;
    hash.update(std::span<const uint8_t>(buffer).first(static_cast<size_t>(length)));
    at += static_cast<uint64_t>(length);
  }
  const std::string digest = hash.hex();
  if (digest == expected.digest) return {};
  return mismatch(refusal, "DIGEST_MISMATCH", "digest", "sha256:" + expected.digest,
                  "sha256:" + digest);
}

}  // namespace berth::sys
