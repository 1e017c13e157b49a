#include "front/new_container.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <ctime>

#include "sys/lock.h"
#include "sys/remove_tree.h"
#include "sys/write_all.h"

namespace berth::front {
namespace {

using sys::Fd;
using sys::Result;

/// Twelve hexadecimal digits, never all of them digits: such an id could be taken for a pid.
std::string new_id() {
  for (;;) {
    unsigned char bytes[6];
    if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return "";
    std::string id;
    for (const unsigned char byte : bytes) {
      constexpr char kDigits[] = "0123456789abcdef";
      id += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    if (id.find_first_of("abcdef") != std::string::npos) return id;
  }
}

/// RFC 3339 in UTC, to the millisecond, as Date.prototype.toISOString has it.
std::string now() {
  timespec time = {};
  clock_gettime(CLOCK_REALTIME, &time);
  tm parts = {};
  gmtime_r(&time.tv_sec, &parts);
  char text[32];
  const size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  constexpr long kMillion = 1000000;
  const std::string milliseconds = std::to_string(1000 + time.tv_nsec / kMillion);
  return std::string(text, length) + "." + milliseconds.substr(1) + "Z";
}

bool make_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

Result<void> write_new(const std::string& path, const std::string& text, bool to_disk) {
  BERTH_ASSIGN(
      const Fd file,
      sys::adopt(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open"));
  BERTH_TRY(sys::write_all(file.get(), text.data(), text.size()));
  if (to_disk && fsync(file.get()) != 0) return sys::last_error("fsync");
  return {};
}

/// Whole or not at all, and on the disk: a temporary neighbour, fsync, rename, fsync of the folder.
Result<void> write_whole(const std::string& folder, const char* name, const std::string& text) {
  const std::string file = folder + "/" + name, temporary = file + ".tmp";
  BERTH_TRY(write_new(temporary, text, true));
  if (rename(temporary.c_str(), file.c_str()) != 0) return sys::last_error("rename");
  BERTH_ASSIGN(const Fd directory,
               sys::adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  if (fsync(directory.get()) != 0) return sys::last_error("fsync");
  return {};
}

}  // namespace

std::optional<NewContainer> NewContainer::claim(const Roots& roots, const Recipe& recipe) {
  NewContainer made;
  made.roots_ = roots;
  made.values_.id = new_id();
  made.values_.created_at = now();
  const auto& ids = recipe.ids;
  const std::string claims = ids.file.substr(0, ids.file.rfind('/'));
  if (made.values_.id.empty() || !make_folders(claims)) return {};
  auto range = sys::claim_id_range(ids.file.c_str(), ids.first, ids.size, ids.count);
  if (!range) return {};
  made.values_.first_id = range->first;
  made.ids_ = std::move(range->claim);
  if (!make_folders(roots.state + "/containers") || !make_folders(roots.root + "/containers"))
    return {};
  auto launching =
      sys::lock_file((roots.root + "/launch.lock").c_str(), sys::LockKind::kShared, true);
  if (!launching) return {};
  made.launching_ = std::move(*launching);
  return made;
}

void NewContainer::set_size(uint32_t rows, uint32_t columns) {
  values_.height = rows;
  values_.width = columns;
}

std::optional<launch::LaunchRequest> NewContainer::describe(const Recipe& recipe,
                                                            const Words& command) {
  const Words& args = command.empty() ? recipe.default_args : command;
  const auto config = fill(recipe.config, values_, args);
  const auto facts = fill(recipe.launch, values_, args);
  const auto document = fill(recipe.container, values_, args);
  const auto request = fill(recipe.request, values_, command);
  if (!config || !facts || !document || !request) return {};
  if (!recipe.remove && !write_durable(*request, *document)) {
    remove_folder();
    return {};
  }
  launch::LaunchRequest described;
  described.config = *config;
  described.launch = *facts;
  described.container = *document;
  described.id_range = ids_.get();
  described.launching = launching_.get();
  return described;
}

bool NewContainer::write_durable(const std::string& request, const std::string& document) const {
  if (mkdir(folder().c_str(), 0700) != 0) return false;
  // Its way to the disk takes the request along.
  return write_new(folder() + "/request.json", request, false) &&
         write_whole(folder(), "container.json", document);
}

void NewContainer::remove_folder() const { (void)sys::remove_tree(AT_FDCWD, folder().c_str()); }

void NewContainer::settle() {
  launching_.reset();
  ids_.reset();
}

}  // namespace berth::front
