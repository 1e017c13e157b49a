#include "launch/layer_images.h"

#include <sys/stat.h>

#include "sys/erofs_mount.h"

namespace berth::launch {
namespace {

sys::Result<bool> is_mounted(const std::string& directory) {
  struct stat own, parent;
  const std::string around = directory.substr(0, directory.rfind('/'));
  if (stat(directory.c_str(), &own) != 0 || stat(around.c_str(), &parent) != 0)
    return sys::last_error("stat");
  return own.st_dev != parent.st_dev;
}

sys::Result<void> mount_layer(const LayerImage& image, sys::Refusal& refusal) {
  BERTH_ASSIGN(const bool there, is_mounted(image.directory));
  if (there) return {};
  return sys::mount_image(image.directory + ".erofs", image.directory, image.bytes, image.identity,
                          refusal);
}

}  // namespace

std::optional<Failure> mount_layers(const std::vector<LayerImage>& images) {
  for (const LayerImage& image : images) {
    sys::Refusal refusal;
    const auto mounted = mount_layer(image, refusal);
    if (mounted) continue;
    Failure failure(mounted.error(), refusal ? refusal.reason() : "layer", image.directory);
    failure.code = refusal.code();
    return failure;
  }
  return {};
}

}  // namespace berth::launch
