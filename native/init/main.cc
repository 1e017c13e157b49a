// berth-init: the small static supervisor of one container, or of one program sent into it. Started by the launcher with its plan on descriptor 3; not for
// people to run.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "init/exec.h"
#include "init/hand_over.h"
#include "init/hand_over_exec.h"
#include "init/pause.h"
#include "init/reaper.h"
#include "init/supervisor.h"
#include "launch/plan_reader.h"

namespace {

int refuse(const char* why) {
  constexpr int kRefused = 125;
  return write(2, why, strlen(why)) < 0 ? kRefused + 1 : kRefused;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace berth::launch;
  using namespace berth::init;
  if (argc == 2 && strcmp(argv[1], kPauseRole) == 0) hold_namespaces();
  struct stat status;
  if (fstat(kPlanFd, &status) != 0 || status.st_size <= 0 || status.st_size > kPlanLimit) {
    return refuse("berth-init: started by berth, not by hand\n");
  }
  const auto size = static_cast<size_t>(status.st_size);
  void* plan_text = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, kPlanFd, 0);
  // Lists of eight-byte items take at most this much more than the stream that they came from.
  constexpr size_t kArena = size_t{8} * kPlanLimit;
  void* arena = mmap(nullptr, kArena, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  static Plan plan;
  if (plan_text == MAP_FAILED || arena == MAP_FAILED ||
      !PlanReader(static_cast<const char*>(plan_text), size, static_cast<char*>(arena), kArena)
           .read(plan)) {
    return refuse("berth-init: the launch plan is damaged or of another version\n");
  }
  close(kPlanFd);
  const bool exec = argc > 1 && strcmp(argv[1], kExecRole) == 0;
  if (plan.handover.wanted) return exec ? send_in_and_hand_over(plan) : hand_over(plan);
  remember_arguments(argc, argv);
  const PlanMemory memory = {plan_text, size, arena, kArena};
  return exec ? exec_into(plan, memory) : supervise(plan, memory);
}
