// Whatever an archive holds, reading it neither crashes nor reads past it, and takes bounded memory.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "sys/tar_reader.h"

namespace {

class Input : public berth::sys::ByteSource {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  berth::sys::Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const auto part = bytes_.first(static_cast<size_t>(std::min<uint64_t>(at_most, bytes_.size())));
    bytes_ = bytes_.subspan(part.size());
    return part;
  }

 private:
  std::span<const uint8_t> bytes_;
};

/// Gives every block the checksum it should have, so that mutations reach what lies behind that test.
void mend_checksums(std::span<uint8_t> bytes) {
  for (size_t at = 0; at + berth::sys::kTarBlock <= bytes.size(); at += berth::sys::kTarBlock) {
    auto* const block = bytes.data() + at;
    constexpr size_t kField = 148, kFieldSize = 8;
    std::fill_n(block + kField, kFieldSize, ' ');
    unsigned sum = 0;
    for (size_t i = 0; i < berth::sys::kTarBlock; ++i) sum += block[i];
    snprintf(reinterpret_cast<char*>(block + kField), kFieldSize, "%06o", sum);
  }
}

void read_all(std::span<const uint8_t> bytes) {
  Input input(bytes);
  berth::sys::Refusal refusal;
  berth::sys::TarReader reader(input, {1000, 4096, 1 << 16}, refusal);
  berth::sys::TarEntry entry;
  for (;;) {
    auto more = reader.next(entry);
    if (!more || !*more) return;
    for (;;) {
      auto part = reader.data();
      if (!part) return;
      if (part->empty()) break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_all({data, size});
  std::vector<uint8_t> mended(data, data + size);
  mend_checksums(mended);
  read_all(mended);
  return 0;
}
