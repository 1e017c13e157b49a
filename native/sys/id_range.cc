#include "sys/id_range.h"

#include <sys/random.h>

namespace berth::sys {
namespace {

constexpr int kOfdSetLock = 37;

}  // namespace

Result<IdRange> claim_id_range(const char* file, uint32_t first, uint32_t size, uint32_t count) {
  BERTH_ASSIGN(Fd claim,
               adopt(open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), "open"));
  uint32_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start) return last_error("getrandom");
  for (uint32_t tried = 0; tried < count; ++tried) {
    const auto index = static_cast<uint32_t>((uint64_t{start} + tried) % count);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = index;
    lock.l_len = 1;
    if (fcntl(claim.get(), kOfdSetLock, &lock) == 0)
      return IdRange{first + index * size, std::move(claim)};
    if (errno != EAGAIN && errno != EACCES) return last_error("fcntl");
  }
  return Error{ENOSPC, "fcntl"};
}

}  // namespace berth::sys
