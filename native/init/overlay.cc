#include "init/overlay.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

using Path = sys::Text<4096>;

Path below_base(const char* relative) { return Path(kOverlayBase, '/', relative); }

struct Setting {
  const char* key;
  const char* value;
};

/// redirect_dir and metacopy are off: both would let a layer's extended attributes name other files of the layers' file system.
constexpr Setting kSettings[] = {
    {"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"}};

Result<Fd> make_layer_by_layer(const launch::Rootfs& rootfs) {
  BERTH_ASSIGN(const Fd context, sys::open_filesystem("overlay"));
  const auto set = [&](const char* key, const char* value) {
    return sys::configure(context.get(), sys::kernel::kFsconfigSetString, key, value);
  };
  for (const char* layer : rootfs.layers) BERTH_TRY(set("lowerdir+", below_base(layer).c_str()));
  if (*rootfs.tree != '\0') BERTH_TRY(set("lowerdir+", kOverlayTree));
  BERTH_TRY(set("source", "berth"));
  BERTH_TRY(set("upperdir", below_base(rootfs.upper).c_str()));
  BERTH_TRY(set("workdir", below_base(rootfs.work).c_str()));
  for (const auto& setting : kSettings) BERTH_TRY(set(setting.key, setting.value));
  if (rootfs.is_volatile) {
    BERTH_TRY(sys::configure(context.get(), sys::kernel::kFsconfigSetFlag, "volatile", ""));
  }
  return sys::create_filesystem(context.get(), 0);
}

/// As kernels before 6.5 take it: every layer in one string, whose length mount(2) limits to a page.
Result<void> mount_in_one_string(const launch::Rootfs& rootfs) {
  sys::Text<4096> data("lowerdir=");
  for (uint32_t i = 0; i < rootfs.layers.count; ++i) {
    if (i > 0) data.add(':');
    data.add(below_base(rootfs.layers.items[i]));
  }
  if (*rootfs.tree != '\0') {
    if (rootfs.layers.count > 0) data.add(':');
    data.add(kOverlayTree);
  }
  data.add(
      sys::Text<600>(",upperdir=", below_base(rootfs.upper), ",workdir=", below_base(rootfs.work)));
  for (const auto& setting : kSettings)
    data.add(sys::Text<64>(',', setting.key, '=', setting.value));
  if (rootfs.is_volatile) data.add(",volatile");
  if (!data.whole()) return sys::Error{E2BIG, "mount"};
  if (mount("berth", "rootfs", "overlay", 0, data.c_str()) != 0) return sys::last_error("mount");
  return {};
}

Result<void> attach(const Fd& overlay) {
  BERTH_ASSIGN(const Fd target,
               sys::adopt(open("rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  return sys::attach(overlay.get(), target.get());
}

}  // namespace

Result<void> mount_overlay(const launch::Rootfs& rootfs) {
  auto overlay = make_layer_by_layer(rootfs);
  if (overlay) {
    BERTH_TRY(attach(*overlay));
  } else if (overlay.error().number == EINVAL) {
    // An older kernel takes `lowerdir+` for one more option that it does not know, and says so only at the end.
    BERTH_TRY(mount_in_one_string(rootfs));
  } else {
    return overlay.error();
  }
  struct statvfs status;
  if (statvfs("rootfs", &status) != 0) return sys::last_error("statvfs");
  // overlayfs falls back to read-only without an error when it cannot write to its work directory.
  if ((status.f_flag & ST_RDONLY) != 0) return sys::Error{EROFS, "fsmount"};
  return {};
}

}  // namespace berth::init
