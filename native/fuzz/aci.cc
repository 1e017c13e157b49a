// Whatever an App Container Image holds, its layer has neither names that lead out of a root file system nor whiteouts, and is an archive
// that can be read.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "sys/aci_convert.h"
#include "sys/blob_job.h"
#include "sys/fd.h"

namespace {

using namespace berth::sys;

void require(bool holds) {
  if (!holds) abort();
}

bool is_clean(std::string_view name) {
  if (name == "./") return true;
  while (!name.empty()) {
    const auto slash = name.find('/');
    const auto part = name.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.starts_with(".wh.")) return false;
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
  }
  return true;
}

const BlobLimits kBlobLimits = {1 << 22, 200, 1 << 22};
const TarLimits kTarLimits = {1000, 4096, 1 << 16};

void read_layer(int layer) {
  require(lseek(layer, 0, SEEK_SET) == 0);
  BlobExpectation expected;
  expected.compression = Compression::kGzip;
  Refusal refusal;
  BlobFacts facts;
  const auto consume = [](ByteSource& source, Refusal& refused) -> Result<void> {
    TarReader archive(source, kTarLimits, refused);
    TarEntry entry;
    for (;;) {
      BERTH_ASSIGN(const bool more, archive.next(entry));
      if (!more) return drain(source);
      require(is_clean(entry.name));
      if (entry.type == TarType::kHardLink) require(is_clean(entry.link));
    }
  };
  (void)consume_blob(layer, -1, expected, kBlobLimits, consume, refusal, facts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Fd image(memfd_create("aci", MFD_CLOEXEC)), layer(memfd_create("layer", MFD_CLOEXEC));
  require(write(image.get(), data, size) == static_cast<ssize_t>(size));
  require(lseek(image.get(), 0, SEEK_SET) == 0);
  AciRequest request;
  request.expected.detect = true;
  request.blob_limits = kBlobLimits;
  request.tar_limits = kTarLimits;
  request.manifest_bytes = 4096;
  if (size % 2 == 1) request.kept = {"a", "bin/tool", "d/e/f"};
  Refusal refusal;
  if (convert_aci(image.get(), layer.get(), request, refusal)) read_layer(layer.get());
  return 0;
}
