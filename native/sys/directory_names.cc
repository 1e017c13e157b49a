#include "sys/directory_names.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "sys/fd.h"

namespace berth::sys {

Result<std::vector<std::string>> directory_names(int directory) {
  BERTH_ASSIGN(Fd again,
               adopt(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat"));
  DIR* stream = fdopendir(again.get());
  if (stream == nullptr) return last_error("fdopendir");
  again.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
  }
  const int number = errno;
  closedir(stream);
  if (number != 0) return Error{number, "readdir"};
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace berth::sys
