#include <sys/socket.h>
#include <sys/un.h>

#include "launch/handover.h"
#include "runtime/hooks.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"
#include "sys/write_all.h"

namespace berth::runtime {
namespace {

using sys::Fd;

Fd connect_to(const ContainerFolder& folder) {
  const Fd directory =
      need(sys::adopt(open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open"),
           folder.path());
  Fd connection =
      need(sys::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"), folder.id());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path =
      "/proc/self/fd/" + std::to_string(directory.get()) + "/" + launch::kStartSocket;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("container `" + folder.id() + "`", sys::last_error("connect"));
  return connection;
}

/// Returns when the program runs.
void await_program(int connection) {
  std::string report;
  char part[sizeof(launch::StepFailure)];
  for (;;) {
    const ssize_t length =
        sys::retry_interrupted([&] { return ::read(connection, part, sizeof part); });
    if (length <= 0) break;
    report.append(part, static_cast<size_t>(length));
  }
  if (report.size() == 1 && report[0] == launch::kAboutToExecute) return;
  launch::StepFailure failure;
  if (report.size() < sizeof failure)
    throw Trouble("the container's first process was killed before its program ran");
  report.copy(reinterpret_cast<char*>(&failure), sizeof failure, report.size() - sizeof failure);
  fail(failure);
}

}  // namespace

void start(const ContainerFolder& folder, const Record& record) {
  const std::string state = state_text(record, "created");
  const auto size = static_cast<uint32_t>(state.size());
  if (size > launch::kMostState) throw Trouble("the annotations are too long for hooks");
  const Fd connection = connect_to(folder);
  std::string message(1, launch::kStart);
  message.append(reinterpret_cast<const char*>(&size), sizeof size);
  message += state;
  need(sys::write_all(connection.get(), message.data(), message.size()), "start");
  await_program(connection.get());
  if (record.has_hooks)
    run_kept_hooks(folder.config(), "poststart", state_text(record, "running"), true);
}

void start(const ContainerFolder& folder) {
  const Fd lock = folder.lock();
  const Record record = existing(folder);
  const Status status = folder.status(record);
  if (status != Status::kCreated)
    throw Trouble("container `" + folder.id() + "` cannot be started: it is " + name_of(status));
  start(folder, record);
}

}  // namespace berth::runtime
