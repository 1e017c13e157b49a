#include "sys/layer_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth::sys {
namespace {

Result<Fd> open_blob(const UnpackRequest& request, Refusal& refusal) {
  // Not to wait on a fifo that stands in a blob's place.
  BERTH_ASSIGN(Fd blob,
               adopt(open(request.blob.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open"));
  struct stat status;
  if (fstat(blob.get(), &status) != 0) return last_error("fstat");
  if (!S_ISREG(status.st_mode)) return refusal.refuse("BAD_BLOB", "it is not a regular file");
  if (!request.expected.growth && static_cast<uint64_t>(status.st_size) != request.expected.size) {
    return refusal.refuse("SIZE_MISMATCH", "its size should be " +
                                               std::to_string(request.expected.size) + " and is " +
                                               std::to_string(status.st_size));
  }
  return blob;
}

struct Copy {
  Fd file;
  ~Copy() {
    // Nobody needs half a blob; that it cannot be removed either is not worth more words than the
    // failure itself.
    if (file && !kept) unlink(path.c_str());
  }
  std::string path;
  bool kept = false;
};

}  // namespace

Result<std::vector<std::shared_ptr<const Fd>>> open_lowers(const UnpackRequest& request) {
  if (request.below && !request.below->wait()) return Error{ECANCELED, "open"};
  std::vector<std::shared_ptr<const Fd>> lowers;
  for (const std::string& path : request.lowers) {
    BERTH_ASSIGN(Fd layer, adopt(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
    lowers.push_back(std::make_shared<const Fd>(std::move(layer)));
  }
  return lowers;
}

Result<UnpackResult> read_layer(
    const UnpackRequest& request, Refusal& refusal,
    const std::function<Result<LayerCounts>(ByteSource&, Refusal&)>& extract) {
  BERTH_ASSIGN(const Fd blob, open_blob(request, refusal));
  Copy copy;
  if (!request.copy.empty()) {
    copy.path = request.copy;
    BERTH_ASSIGN(
        copy.file,
        adopt(open(request.copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open"));
  }
  LayerCounts counts;
  BlobFacts facts;
  const auto consume = [&](ByteSource& source, Refusal& refused) -> Result<void> {
    BERTH_ASSIGN(counts, extract(source, refused));
    return {};
  };
  BERTH_TRY(consume_blob(blob.get(), copy.file.get(), request.expected, request.blob_limits,
                         consume, refusal, facts));
  copy.kept = true;
  return UnpackResult{counts, facts.archive_bytes};
}

}  // namespace berth::sys
