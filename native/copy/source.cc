#include "copy/source.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "copy/view.h"
#include "sys/directory_names.h"
#include "sys/kernel.h"
#include "sys/layer_attributes.h"
#include "sys/tar_file.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;
using sys::TarType;

// statfs(2), f_type: of proc, sysfs, both kinds of cgroupfs, devpts, mqueue, securityfs, debugfs, tracefs, bpf, binfmt_misc, selinuxfs.
constexpr long kOfTheKernel[] = {0x9fa0,     0x62656572, 0x27e0eb,   0x63677270,
                                 0x1cd1,     0x19800202, 0x73636673, 0x64626720,
                                 0x74726163, 0xcafe4a11, 0x42494e4d, 0xf97cff8c};

// Of a file that does not say how large it is.
constexpr uint64_t kMostOfTheKernel = 16 * 1024 * 1024;

constexpr uint64_t kOneStep = sys::kernel::kResolveBeneath | sys::kernel::kResolveNoSymlinks |
                              sys::kernel::kResolveNoMagiclinks;

class Source {
 public:
  Source(int descriptors, sys::ByteSink& sink, Report& report, sys::Refusal& refusal)
      : descriptors_(descriptors), archive_(sink), report_(report), refusal_(refusal) {}

  Result<void> write(Fd handle, const std::string& as) {
    struct statfs system;
    if (fstatfs(handle.get(), &system) != 0) return sys::last_error("fstatfs");
    asked_of_kernel_ = is_of_the_kernel(system);
    BERTH_TRY(visit(handle.get(), as));
    return archive_.finish();
  }

 private:
  static bool is_of_the_kernel(const struct statfs& system) {
    return std::find(std::begin(kOfTheKernel), std::end(kOfTheKernel), system.f_type) !=
           std::end(kOfTheKernel);
  }

  Result<void> visit(int handle, const std::string& name) {
    auto outcome = add(handle, name);
    if (!outcome) refusal_.at(name);
    return outcome;
  }

  Result<void> add(int handle, const std::string& name) {
    if (name.size() >= PATH_MAX) return sys::Error{ENAMETOOLONG, "openat2"};
    struct stat status;
    if (fstat(handle, &status) != 0) return sys::last_error("fstat");
    struct statfs system;
    if (fstatfs(handle, &system) != 0) return sys::last_error("fstatfs");
    const bool kernels = is_of_the_kernel(system);
    if (S_ISSOCK(status.st_mode)) {
      ++report_.sockets;
      return {};
    }
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
      ++report_.devices;
      return {};
    }
    sys::TarEntry entry;
    entry.name = name;
    entry.mode = status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime = status.st_mtim;
    if (S_ISDIR(status.st_mode)) return add_folder(entry, handle, kernels && !asked_of_kernel_);
    if (kernels && !asked_of_kernel_) return {};
    ++report_.entries;
    if (S_ISREG(status.st_mode) && status.st_nlink > 1) {
      const auto [first, fresh] =
          linked_.try_emplace(std::pair(status.st_dev, status.st_ino), name);
      if (!fresh) {
        entry.type = TarType::kHardLink;
        entry.link = first->second;
        return put(entry);
      }
    }
    if (S_ISREG(status.st_mode))
      return kernels ? add_answer(entry, handle) : add_file(entry, handle, status);
    if (S_ISFIFO(status.st_mode)) {
      entry.type = TarType::kFifo;
      return put(entry);
    }
    char text[PATH_MAX];
    const ssize_t length = readlinkat(handle, "", text, sizeof text);
    if (length < 0) return sys::last_error("readlinkat");
    entry.type = TarType::kSymlink;
    entry.link.assign(text, static_cast<size_t>(length));
    return put(entry);
  }

  Result<void> put(const sys::TarEntry& entry) {
    BERTH_TRY(archive_.begin(entry));
    return archive_.end();
  }

  Result<void> add_folder(sys::TarEntry& entry, int handle, bool shut) {
    const std::string path = entry.name;
    BERTH_ASSIGN(const Fd folder, sys::reopen(descriptors_, handle, O_DIRECTORY | O_NONBLOCK));
    take_attributes(folder.get(), entry);
    entry.type = TarType::kDirectory;
    entry.name += '/';
    ++report_.entries;
    BERTH_TRY(put(entry));
    if (shut) return {};
    BERTH_ASSIGN(const std::vector<std::string> names, sys::directory_names(folder.get()));
    for (const std::string& name : names) {
      const sys::kernel::OpenHow how{O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, kOneStep};
      auto child = sys::adopt(sys::kernel::openat2(folder.get(), name.c_str(), how), "openat2");
      if (!child && child.error().number == ENOENT) continue;
      std::string inside = path;
      inside += '/';
      inside += name;
      if (!child) {
        refusal_.at(inside);
        return child.error();
      }
      BERTH_TRY(visit(child->get(), inside));
    }
    return {};
  }

  /// Some cannot be read where the container is: capabilities that the host's own root has given, for one.
  void take_attributes(int file, sys::TarEntry& entry) {
    auto attributes = sys::read_xattrs(file);
    if (attributes) {
      entry.xattrs = std::move(*attributes);
    } else {
      ++report_.attributes;
    }
  }

  /// Never waits for whoever has a lease on the file (fcntl(2), F_SETLEASE).
  Result<Fd> open_file(int handle) {
    return sys::reopen(descriptors_, handle, O_NONBLOCK | O_NOCTTY);
  }

  Result<void> add_file(sys::TarEntry& entry, int handle, const struct stat& status) {
    BERTH_ASSIGN(const Fd file, open_file(handle));
    take_attributes(file.get(), entry);
    BERTH_ASSIGN(const uint64_t stored, content_.add(archive_, entry, file.get(), status));
    report_.bytes += stored;
    return {};
  }

  /// A file whose size says nothing of what reading it gives.
  Result<void> add_answer(sys::TarEntry& entry, int handle) {
    BERTH_ASSIGN(const Fd file, open_file(handle));
    std::vector<uint8_t> bytes;
    for (;;) {
      constexpr size_t kRead = 65536;
      const size_t have = bytes.size();
      bytes.resize(have + kRead);
      const ssize_t length =
          sys::retry_interrupted([&] { return read(file.get(), bytes.data() + have, kRead); });
      if (length < 0) return sys::last_error("read");
      bytes.resize(have + static_cast<size_t>(length));
      if (length == 0) break;
      if (bytes.size() > kMostOfTheKernel) return sys::Error{EFBIG, "read"};
    }
    entry.size = bytes.size();
    BERTH_TRY(archive_.begin(entry));
    BERTH_TRY(archive_.data(bytes));
    report_.bytes += bytes.size();
    return archive_.end();
  }

  const int descriptors_;
  sys::TarWriter archive_;
  sys::TarFile content_;
  Report& report_;
  sys::Refusal& refusal_;
  bool asked_of_kernel_ = false;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

}  // namespace

Result<void> write_source(const Request& request, int root, int descriptors, sys::ByteSink& sink,
                          Report& report, sys::Refusal& refusal) {
  const bool through = request.follow || request.folder;
  auto handle = open_inside(root, request.path, O_PATH | (through ? 0 : O_NOFOLLOW));
  struct stat status;
  if (handle && request.folder && (fstat(handle->get(), &status) != 0 || !S_ISDIR(status.st_mode)))
    handle = sys::Error{ENOTDIR, "openat2"};
  if (handle && fstat(handle->get(), &status) == 0 && !S_ISREG(status.st_mode) &&
      !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    refusal.at(request.path);
    return refusal.refuse("NO_FILE", "it is a device or a socket");
  }
  if (!handle) {
    refusal.at(request.path);
    return handle.error();
  }
  return Source(descriptors, sink, report, refusal).write(std::move(*handle), request.as);
}

}  // namespace berth::copy
