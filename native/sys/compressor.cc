#include "sys/compressor.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace berth::sys {
namespace {

constexpr size_t kOutputSize = 256 * 1024;
constexpr int kZstdLevel = 3;  // zstd(1)'s own default
constexpr uint32_t kGzipLevel = 2;

class Plain : public Compressor {
 public:
  explicit Plain(ByteSink& output) : output_(output) {}
  Result<void> write(std::span<const uint8_t> bytes) override { return output_.write(bytes); }
  Result<void> finish() override { return {}; }

 private:
  ByteSink& output_;
};

class Gzip : public Compressor {
 public:
  explicit Gzip(ByteSink& output)
      : output_(output),
        stream_(std::make_unique<isal_zstream>()),
        work_(ISAL_DEF_LVL2_DEFAULT),
        buffer_(kOutputSize) {
    isal_deflate_init(stream_.get());
    stream_->gzip_flag = IGZIP_GZIP;
    stream_->level = kGzipLevel;
    stream_->level_buf = work_.data();
    stream_->level_buf_size = static_cast<uint32_t>(work_.size());
  }

  Result<void> write(std::span<const uint8_t> bytes) override {
    constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(bytes.size(), kMost));
      BERTH_TRY(deflate(part, false));
      bytes = bytes.subspan(part.size());
    }
    return {};
  }

  Result<void> finish() override { return deflate({}, true); }

 private:
  Result<void> deflate(std::span<const uint8_t> bytes, bool last) {
    // ISA-L only reads through next_in; its structure lacks the const.
    stream_->next_in = const_cast<uint8_t*>(bytes.data());
    stream_->avail_in = static_cast<uint32_t>(bytes.size());
    stream_->end_of_stream = last ? 1 : 0;
    do {
      stream_->next_out = buffer_.data();
      stream_->avail_out = static_cast<uint32_t>(buffer_.size());
      if (isal_deflate(stream_.get()) != COMP_OK) return Error{EIO, "deflate"};
      BERTH_TRY(output_.write(std::span(buffer_).first(buffer_.size() - stream_->avail_out)));
    } while (stream_->avail_in > 0 || stream_->avail_out == 0);
    return {};
  }

  ByteSink& output_;
  std::unique_ptr<isal_zstream> stream_;
  std::vector<uint8_t> work_, buffer_;
};

class Zstd : public Compressor {
 public:
  explicit Zstd(ByteSink& output)
      : output_(output), context_(ZSTD_createCCtx()), buffer_(kOutputSize) {
    if (context_ == nullptr) return;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  Result<void> write(std::span<const uint8_t> bytes) override {
    return compress(bytes, ZSTD_e_continue);
  }
  Result<void> finish() override { return compress({}, ZSTD_e_end); }

 private:
  Result<void> compress(std::span<const uint8_t> bytes, ZSTD_EndDirective directive) {
    if (context_ == nullptr) return Error{ENOMEM, "mmap"};
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool done = false; !done;) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_, &out, &in, directive);
      if (ZSTD_isError(left) != 0) return Error{EIO, "zstd"};
      BERTH_TRY(output_.write(std::span(buffer_).first(out.pos)));
      done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
    return {};
  }

  ByteSink& output_;
  ZSTD_CCtx_s* context_;
  std::vector<uint8_t> buffer_;
};

}  // namespace

std::unique_ptr<Compressor> make_compressor(Compression compression, ByteSink& output) {
  switch (compression) {
    case Compression::kNone:
      return std::make_unique<Plain>(output);
    case Compression::kGzip:
      return std::make_unique<Gzip>(output);
    case Compression::kZstd:
      return std::make_unique<Zstd>(output);
    default:
      return nullptr;
  }
}

}  // namespace berth::sys
