// berth-init: the small static supervisor of one container. Started by the launcher with its plan on descriptor 3; not for people to run.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "init/supervisor.h"
#include "launch/plan_reader.h"

int main() {
  using namespace berth::launch;
  struct stat status;
  if (fstat(kPlanFd, &status) != 0 || status.st_size <= 0 || status.st_size > kPlanLimit) {
    fprintf(stderr, "berth-init: started by berth, not by hand\n");
    return 125;
  }
  const auto size = static_cast<size_t>(status.st_size);
  void* plan_text = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, kPlanFd, 0);
  // Lists of eight-byte items take at most this much more than the stream that they came from.
  constexpr size_t kArena = size_t{8} * kPlanLimit;
  void* arena = mmap(nullptr, kArena, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  static Plan plan;
  if (plan_text == MAP_FAILED || arena == MAP_FAILED ||
      !PlanReader(static_cast<const char*>(plan_text), size, static_cast<char*>(arena), kArena).read(plan)) {
    fprintf(stderr, "berth-init: the launch plan is damaged or of another version\n");
    return 125;
  }
  close(kPlanFd);
  return berth::init::supervise(plan);
}
