#include "init/records.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>  // renameat

#include "sys/fd.h"
#include "sys/process.h"
#include "sys/timestamp.h"
#include "sys/write_all.h"

namespace berth::init {
namespace {

using sys::Result;

constexpr size_t kMilliseconds = 3;
/// Becomes exit.json. src/containerizer/container/exit-record.ts knows it too.
constexpr char kReserve[] = ".exit";

/// Whole or not at all: a temporary file, then rename(2). The directory is volatile (tmpfs), so there is nothing to sync.
Result<void> write_whole(int directory, const char* name, const char* text, size_t length) {
  const char* temporary = ".record";
  BERTH_ASSIGN(const sys::Fd file,
               sys::adopt(openat(directory, temporary,
                                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600),
                          "openat"));
  BERTH_TRY(sys::write_all(file.get(), text, length));
  if (renameat(directory, temporary, directory, name) != 0) return sys::last_error("renameat");
  return {};
}

/// Text of the kernel's log, which is printable.
void add_quoted(const char* from, sys::TextBase& text) {
  if (*from == '\0') return text.add("null");
  text.add('"');
  for (; *from != '\0'; ++from) {
    if (*from == '"' || *from == '\\') text.add('\\');
    text.add(*from);
  }
  text.add('"');
}

void add_known(uint64_t number, sys::TextBase& text) {
  if (number == 0) return text.add("null");
  text.add(number);
}

}  // namespace

Result<void> identify(pid_t task, StateRecord& record) {
  BERTH_ASSIGN(const sys::Fd proc,
               sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  // Not getpid(2), which tells the pid in the supervisor's own namespace.
  char self[16];
  const ssize_t length = readlinkat(proc.get(), "self", self, sizeof self - 1);
  if (length < 0) return sys::last_error("readlinkat");
  self[length] = '\0';
  record.supervisor.pid = static_cast<pid_t>(sys::leading_number(self));
  record.task.pid = task;
  BERTH_ASSIGN(record.supervisor.start_time, sys::start_time(proc.get(), record.supervisor.pid));
  BERTH_ASSIGN(record.task.start_time, sys::start_time(proc.get(), record.task.pid));
  BERTH_ASSIGN(
      const sys::Fd boot,
      sys::adopt(openat(proc.get(), "sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), "openat"));
  constexpr size_t kUuid = 36;
  if (read(boot.get(), record.boot_id, kUuid) != kUuid) return sys::last_error("read");
  return {};
}

Result<void> write_state(int directory, const StateRecord& record) {
  const auto process = [](const ProcessName& name) {
    return sys::Text<96>("{\"pid\":", name.pid, ",\"start_time\":", name.start_time, '}');
  };
  const sys::Text<512> text("{\"format\":1,\"boot_id\":\"", record.boot_id,
                            "\",\"supervisor\":", process(record.supervisor).c_str(),
                            ",\"task\":", process(record.task).c_str(), ",\"started_at\":\"",
                            sys::now(kMilliseconds).c_str(), "\"}\n");
  return write_whole(directory, "state.json", text.c_str(), text.size());
}

void add_oom_members(const OomReport& oom, sys::TextBase& text) {
  constexpr const char* kLevels[] = {"null", "\"container\"", "\"above\"", "\"host\""};
  text.add("\"kills\":");
  text.add(oom.kills);
  text.add(",\"process\":");
  add_quoted(oom.process, text);
  text.add(",\"pid\":");
  add_known(static_cast<uint64_t>(oom.pid), text);
  text.add(",\"level\":");
  text.add(kLevels[static_cast<int>(oom.level)]);
  text.add(",\"cgroup\":");
  add_quoted(oom.cgroup, text);
  text.add(",\"limit\":");
  add_known(oom.limit, text);
}

ExitText format_exit(const ExitStatus& exit) {
  ExitText text("{\"format\":1,\"status\":", exit.status, ",\"signal\":");
  if (exit.signal == 0) {
    text.add("null");
  } else {
    text.add(exit.signal);
  }
  text.add(exit.oom.kills > 0 ? ",\"oom_killed\":true" : ",\"oom_killed\":false");
  if (exit.oom.kills > 0) {
    text.add(",\"oom\":{");
    add_oom_members(exit.oom, text);
    text.add('}');
  }
  text.add(",\"finished_at\":\"");
  text.add(sys::now(kMilliseconds).c_str());
  text.add("\",\"log_bytes_dropped\":");
  text.add(exit.log_bytes_dropped);
  text.add('}');
  return text;
}

Result<void> reserve_exit(int directory) {
  BERTH_ASSIGN(const sys::Fd file, sys::adopt(openat(directory, kReserve,
                                                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
                                              "openat"));
  ExitText room;
  while (room.whole()) room.add(' ');
  return sys::write_all(file.get(), room.c_str(), room.size());
}

Result<void> write_exit(int directory, const ExitText& text) {
  const sys::Fd room(openat(directory, kReserve, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!room) return write_whole(directory, "exit.json", text.c_str(), text.size());
  BERTH_TRY(sys::write_all(room.get(), text.c_str(), text.size()));
  if (ftruncate(room.get(), static_cast<off_t>(text.size())) != 0)
    return sys::last_error("ftruncate");
  if (renameat(directory, kReserve, directory, "exit.json") != 0)
    return sys::last_error("renameat");
  return {};
}

}  // namespace berth::init
