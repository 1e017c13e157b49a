#include "copy/stopped_view.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/rooted_path.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;

/// As the container's own mount has them (native/init/overlay.cc).
struct Setting {
  const char* key;
  const char* value;
};
constexpr Setting kSettings[] = {
    {"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"}};

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

/// The container may never have been started: what it would write to is made now, looking as the image's root does.
Result<void> make_upper(const std::string& upper, const std::string& work, const std::string& top) {
  struct stat model;
  BERTH_TRY(check(stat(top.c_str(), &model), "stat"));
  if (mkdir(work.c_str(), 0700) != 0 && errno != EEXIST) return sys::last_error("mkdir");
  if (mkdir(upper.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return sys::last_error("mkdir");
  }
  BERTH_TRY(check(chown(upper.c_str(), model.st_uid, model.st_gid), "chown"));
  return check(chmod(upper.c_str(), model.st_mode & 07777), "chmod");
}

Result<Fd> overlay_layer_by_layer(const std::vector<std::string>& lowers, const std::string& upper,
                                  const std::string& work) {
  BERTH_ASSIGN(const Fd context, sys::open_filesystem("overlay"));
  const auto set = [&](const char* key, const std::string& value) {
    return sys::configure(context.get(), sys::kernel::kFsconfigSetString, key, value.c_str());
  };
  for (const std::string& layer : lowers) BERTH_TRY(set("lowerdir+", layer));
  BERTH_TRY(set("source", "berth"));
  BERTH_TRY(set("upperdir", upper));
  BERTH_TRY(set("workdir", work));
  for (const auto& setting : kSettings) BERTH_TRY(set(setting.key, setting.value));
  return sys::create_filesystem(context.get(), 0);
}

/// As kernels before 6.5 take it.
Result<void> overlay_in_one_string(const std::vector<std::string>& lowers, const std::string& upper,
                                   const std::string& work, const char* target) {
  std::string data = "lowerdir=";
  for (size_t i = 0; i < lowers.size(); ++i) data += (i > 0 ? ":" : "") + lowers[i];
  data += ",upperdir=" + upper + ",workdir=" + work;
  for (const auto& setting : kSettings)
    data += std::string(",") + setting.key + "=" + setting.value;
  return check(mount("berth", target, "overlay", 0, data.c_str()), "mount");
}

Result<void> mount_overlay(const View& view, const std::string& upper) {
  const std::string work = view.container + "/work";
  std::vector<std::string> lowers = view.layers;
  if (!view.tree.empty()) lowers.push_back(view.tree);
  if (lowers.empty()) return sys::Error{EINVAL, "mount"};
  BERTH_TRY(make_upper(upper, work, lowers.front()));
  auto overlay = overlay_layer_by_layer(lowers, upper, work);
  if (!overlay) {
    if (overlay.error().number != EINVAL) return overlay.error();
    return overlay_in_one_string(lowers, upper, work, upper.c_str());
  }
  BERTH_ASSIGN(const Fd target,
               sys::adopt(open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  return sys::attach(overlay->get(), target.get());
}

Result<Fd> clone_volume(const Volume& volume) {
  BERTH_ASSIGN(Fd tree, sys::clone_tree(AT_FDCWD, volume.source.c_str(), volume.recursive));
  if (volume.readonly)
    BERTH_TRY(sys::set_attributes(tree.get(), sys::kernel::kMountReadonly, 0, volume.recursive));
  return tree;
}

Result<void> attach_volume(int root, const Volume& volume, int tree) {
  struct stat status;
  BERTH_TRY(check(fstat(tree, &status), "fstat"));
  auto target = S_ISDIR(status.st_mode) ? sys::make_directory_in_root(root, volume.target.c_str())
                                        : sys::make_file_in_root(root, volume.target.c_str());
  if (!target) return target.error();
  return sys::attach(tree, target->get());
}

}  // namespace

Result<void> enter_stopped(const View& view) {
  BERTH_TRY(check(unshare(CLONE_NEWNS), "unshare"));
  BERTH_TRY(check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount"));
  std::vector<Fd> volumes;
  for (const Volume& volume : view.volumes) {
    BERTH_ASSIGN(Fd tree, clone_volume(volume));
    volumes.push_back(std::move(tree));
  }
  BERTH_TRY(check(chdir(view.root.c_str()), "chdir"));
  const std::string upper = view.container + "/upper";
  BERTH_TRY(mount_overlay(view, upper));
  BERTH_TRY(check(chdir(upper.c_str()), "chdir"));
  BERTH_TRY(check(static_cast<int>(sys::kernel::pivot_root(".", ".")), "pivot_root"));
  BERTH_TRY(check(umount2(".", MNT_DETACH), "umount2"));
  BERTH_TRY(check(chdir("/"), "chdir"));
  BERTH_ASSIGN(const Fd root, sys::adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  for (size_t i = 0; i < volumes.size(); ++i)
    BERTH_TRY(attach_volume(root.get(), view.volumes[i], volumes[i].get()));
  if (view.readonly)
    BERTH_TRY(sys::set_attributes(root.get(), sys::kernel::kMountReadonly, 0, false));
  return {};
}

}  // namespace berth::copy
