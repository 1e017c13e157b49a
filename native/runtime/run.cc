#include "runtime/run.h"

#include <optional>

#include "runtime/foreground.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"

namespace berth::runtime {

int run(const RunRequest& request) {
  std::optional<Foreground> foreground;
  if (!request.detach) foreground.emplace();
  Created created = create(request.create);
  try {
    start(created.folder, created.record);
  } catch (const Trouble&) {
    created.lock.reset();
    remove(created.folder, true);
    throw;
  }
  created.lock.reset();
  if (!foreground) return 0;
  const int status = foreground->follow(created.record.pid);
  if (!request.keep) remove(created.folder, true);
  return status;
}

}  // namespace berth::runtime
