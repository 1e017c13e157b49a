#include "copy/target.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "copy/landing.h"
#include "copy/placing.h"
#include "copy/view.h"
#include "sys/kernel.h"
#include "sys/rooted_path.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;
using sys::TarType;

// Of a stream that the caller vouches for: what keeps memory bounded, and names what a kernel can open.
constexpr sys::TarLimits kLimits = {std::numeric_limits<uint64_t>::max(), 4096, 16 * 1024 * 1024};

class Target {
 public:
  Target(const Request& request, int root, int descriptors, Report& report, sys::Refusal& refusal)
      : request_(request),
        root_(root),
        report_(report),
        refusal_(refusal),
        placing_(request, descriptors, report, refusal) {}

  Result<void> read(sys::ByteSource& source) {
    sys::TarReader archive(source, kLimits, refusal_);
    sys::TarEntry entry;
    BERTH_ASSIGN(bool more, archive.next(entry));
    if (!more && request_.from != Place::kStream) return refusal_.refuse("BAD_TAR", "nothing came");
    BERTH_TRY(land(entry));
    for (; more;) {
      auto outcome = apply(entry, archive);
      if (!outcome) {
        refusal_.at(entry.name);
        return outcome;
      }
      ++report_.entries;
      BERTH_ASSIGN(more, archive.next(entry));
    }
    return finish();
  }

 private:
  Result<void> land(const sys::TarEntry& first) {
    auto landing = request_.from == Place::kStream
                       ? find_folder(request_, root_, refusal_)
                       : find_landing(request_, root_,
                                      {request_.as, first.type == TarType::kDirectory}, refusal_);
    if (!landing) return landing.error();
    landing_ = std::move(*landing);
    refusal_ = sys::Refusal();
    return {};
  }

  /// `a/b/c` below the landing, from what the archive has; empty: the landing itself.
  Result<std::string> mapped(const std::string& name) {
    std::string path;
    bool first = true;
    for (size_t start = 0; start < name.size();) {
      const size_t end = std::min(name.find('/', start), name.size());
      std::string part = name.substr(start, end - start);
      start = end + 1;
      if (part.empty() || part == ".") continue;
      if (part == "..") return refusal_.refuse("ESCAPE_ATTEMPT", "its name has '..' in it");
      if (std::exchange(first, false) && !landing_.name.empty() && request_.as != ".")
        part = landing_.name;
      if (!path.empty()) path += '/';
      path += part;
    }
    if (request_.as != "." || landing_.name.empty()) return path;
    return path.empty() ? landing_.name : landing_.name + "/" + path;
  }

  struct Spot {
    Fd* parent;
    std::string name;
  };

  Result<Fd> open_folder(const std::string& path) {
    if (path.empty()) return sys::adopt(fcntl(landing_.folder.get(), F_DUPFD_CLOEXEC, 3), "fcntl");
    if (request_.from == Place::kStream && request_.to != Place::kHost)
      return sys::make_directory_in_root(root_, (landing_.path + "/" + path).c_str());
    const sys::kernel::OpenHow how{O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                                   sys::kernel::kResolveBeneath | sys::kernel::kResolveNoSymlinks |
                                       sys::kernel::kResolveNoMagiclinks};
    return sys::adopt(sys::kernel::openat2(landing_.folder.get(), path.c_str(), how), "openat2");
  }

  Result<Spot> spot(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
    if (!parent_ || parent != parent_path_) {
      BERTH_ASSIGN(parent_, open_folder(parent));
      parent_path_ = parent;
    }
    return Spot{&parent_, slash == std::string::npos ? path : path.substr(slash + 1)};
  }

  Result<void> apply(const sys::TarEntry& entry, sys::TarReader& archive) {
    BERTH_ASSIGN(const std::string path, mapped(entry.name));
    if (path.empty()) {
      if (entry.type == TarType::kDirectory) return {};
      return refusal_.refuse("ESCAPE_ATTEMPT", "it would replace the folder that all is put into");
    }
    BERTH_ASSIGN(const Spot at, spot(path));
    const int parent = at.parent->get();
    switch (entry.type) {
      case TarType::kDirectory: {
        BERTH_ASSIGN(const bool fresh, placing_.folder(parent, at.name, entry));
        if (fresh) folders_.push_back({path, entry.mtime});
        return {};
      }
      case TarType::kFile:
        return placing_.file(parent, at.name, entry, archive);
      case TarType::kSymlink:
        return placing_.symlink(parent, at.name, entry);
      case TarType::kFifo:
        return placing_.fifo(parent, at.name, entry);
      case TarType::kHardLink:
        return link(parent, at.name, entry);
      case TarType::kDevice:
        ++report_.devices;
        return {};
    }
    return {};
  }

  Result<void> link(int parent, const std::string& name, const sys::TarEntry& entry) {
    BERTH_ASSIGN(const std::string path, mapped(entry.link));
    const size_t slash = path.rfind('/');
    BERTH_ASSIGN(const Fd folder,
                 open_folder(slash == std::string::npos ? "" : path.substr(0, slash)));
    return placing_.link(parent, name, folder.get(),
                         slash == std::string::npos ? path : path.substr(slash + 1));
  }

  /// What was put into folders has changed their times; the last first, since a folder comes before what is in it.
  Result<void> finish() {
    for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
      auto handle = open_folder(folder->path);
      // Somebody inside has removed or replaced it.
      if (!handle) continue;
      BERTH_TRY(placing_.set_time(handle->get(), folder->mtime));
    }
    return {};
  }

  struct Made {
    std::string path;
    timespec mtime;
  };

  const Request& request_;
  const int root_;
  Report& report_;
  sys::Refusal& refusal_;
  Placing placing_;
  Landing landing_;
  Fd parent_;
  std::string parent_path_;
  std::vector<Made> folders_;
};

}  // namespace

Result<void> read_into_target(const Request& request, int root, int descriptors,
                              sys::ByteSource& source, Report& report, sys::Refusal& refusal) {
  return Target(request, root, descriptors, report, refusal).read(source);
}

}  // namespace berth::copy
