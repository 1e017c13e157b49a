#include "sys/layer_image.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/erofs_layer.h"
#include "sys/layer_source.h"

namespace berth::sys {
namespace {

Result<LayerCounts> extract(const UnpackRequest& request, int image, ByteSource& source,
                            Refusal& refusal) {
  ErofsTree tree(image, request.image_memory, refusal);
  ErofsPlaces places(
      tree, [&] { return open_lowers(request); }, refusal);
  ErofsLayer layer(tree, places, request.writer_limits, refusal);
  TarReader archive(source, request.tar_limits, refusal);
  TarEntry entry;
  for (;;) {
    BERTH_ASSIGN(const bool more, archive.next(entry));
    if (!more) break;
    if (auto outcome = layer.apply(entry, archive); !outcome) {
      refusal.at(entry.name);
      return outcome.error();
    }
  }
  // What follows the archive's end is not looked at, but is part of the digests.
  BERTH_TRY(drain(source));
  BERTH_TRY(layer.finish());
  BERTH_TRY(tree.finish(request.image_identity));
  return layer.counts();
}

}  // namespace

Result<UnpackResult> unpack_image(const UnpackRequest& request, Refusal& refusal) {
  BERTH_ASSIGN(
      const Fd image,
      adopt(open(request.image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open"));
  auto outcome = read_layer(request, refusal, [&](ByteSource& source, Refusal& refused) {
    return extract(request, image.get(), source, refused);
  });
  // The failure itself is what the caller must hear; what cannot be removed is swept with the other temporary folders.
  if (!outcome) unlink(request.image.c_str());
  return outcome;
}

}  // namespace berth::sys
