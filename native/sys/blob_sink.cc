#include "sys/blob_sink.h"

#include "sys/write_all.h"

namespace berth::sys {

Result<void> BlobSink::End::write(std::span<const uint8_t> bytes) {
  hash.update(bytes);
  size += bytes.size();
  return write_all(file_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<void> BlobSink::write(std::span<const uint8_t> bytes) {
  if (compressor_ == nullptr) return Error{EINVAL, "write"};
  archive_bytes_ += bytes.size();
  if (compression_ != Compression::kNone) archive_hash_.update(bytes);
  return compressor_->write(bytes);
}

Result<BlobFacts> BlobSink::finish() {
  if (compressor_ == nullptr) return Error{EINVAL, "write"};
  BERTH_TRY(compressor_->finish());
  BlobFacts facts{compression_, end_.size, archive_bytes_, end_.hash.hex(), {}};
  facts.diff_id = compression_ == Compression::kNone ? facts.digest : archive_hash_.hex();
  return facts;
}

}  // namespace berth::sys
