#include "sys/file_pack.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "sys/fd.h"
#include "sys/tar_writer.h"

namespace berth::sys {
namespace {

Result<void> add_folders(const std::string& name, std::set<std::string>& known,
                         TarWriter& archive) {
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    TarEntry folder;
    folder.name = name.substr(0, slash + 1);
    folder.type = TarType::kDirectory;
    folder.mode = 0755;
    if (!known.insert(folder.name).second) continue;
    BERTH_TRY(archive.begin(folder));
    BERTH_TRY(archive.end());
  }
  return {};
}

/// As long as its header says: content that changes meanwhile is an error.
Result<void> add_content(const PackedFile& packed, TarEntry& entry, TarWriter& archive) {
  BERTH_ASSIGN(const Fd file, adopt(open(packed.path.c_str(), O_RDONLY | O_CLOEXEC), "open"));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return last_error("fstat");
  entry.size = static_cast<uint64_t>(status.st_size);
  BERTH_TRY(archive.begin(entry));
  std::vector<uint8_t> buffer(256 * 1024);
  for (uint64_t left = entry.size; left > 0;) {
    const ssize_t length = retry_interrupted(
        [&] { return read(file.get(), buffer.data(), std::min<uint64_t>(left, buffer.size())); });
    if (length < 0) return last_error("read");
    if (length == 0) return Error{EIO, "read"};
    BERTH_TRY(archive.data(std::span<const uint8_t>(buffer).first(static_cast<size_t>(length))));
    left -= static_cast<uint64_t>(length);
  }
  return archive.end();
}

}  // namespace

Result<void> pack_files(const std::vector<PackedFile>& files, ByteSink& sink) {
  TarWriter archive(sink);
  std::set<std::string> folders;
  for (const PackedFile& packed : files) {
    BERTH_TRY(add_folders(packed.name, folders, archive));
    TarEntry entry;
    entry.name = packed.name;
    entry.mode = 0644;
    if (!packed.path.empty()) {
      BERTH_TRY(add_content(packed, entry, archive));
      continue;
    }
    entry.size = packed.content.size();
    BERTH_TRY(archive.begin(entry));
    BERTH_TRY(archive.data(
        {reinterpret_cast<const uint8_t*>(packed.content.data()), packed.content.size()}));
    BERTH_TRY(archive.end());
  }
  return archive.finish();
}

}  // namespace berth::sys
