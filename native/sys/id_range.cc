#include "sys/id_range.h"

#include <sys/file.h>
#include <sys/random.h>

#include <cstdio>

namespace berth::sys {

Result<IdRange> claim_id_range(const char* directory, uint32_t first, uint32_t size,
                               uint32_t count) {
  BERTH_ASSIGN(const Fd folder, adopt(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  uint32_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start) return last_error("getrandom");
  for (uint32_t tried = 0; tried < count; ++tried) {
    const auto index = static_cast<uint32_t>((uint64_t{start} + tried) % count);
    char name[32];
    snprintf(name, sizeof name, "ids-%u", index);
    BERTH_ASSIGN(Fd claim, adopt(openat(folder.get(), name,
                                        O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600),
                                 "openat"));
    if (flock(claim.get(), LOCK_EX | LOCK_NB) == 0)
      return IdRange{first + index * size, std::move(claim)};
    if (errno != EWOULDBLOCK) return last_error("flock");
  }
  return Error{ENOSPC, "flock"};
}

}  // namespace berth::sys
