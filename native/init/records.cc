#include "init/records.h"

#include <fcntl.h>
#include <time.h>

#include <cstdio>
#include <cstring>

#include "sys/fd.h"
#include "sys/write_all.h"
#include "sys/process.h"

namespace berth::init {
namespace {

using sys::Result;

struct Timestamp {
  char text[96];
};

/// RFC 3339, milliseconds, UTC.
Timestamp now() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  tm utc;
  gmtime_r(&time.tv_sec, &utc);
  Timestamp stamp;
  snprintf(stamp.text, sizeof stamp.text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
           utc.tm_hour, utc.tm_min, utc.tm_sec, time.tv_nsec / 1000000);
  return stamp;
}

/// Whole or not at all: a temporary file, then rename(2). The directory is volatile (tmpfs), so there is nothing to sync.
Result<void> write_whole(int directory, const char* name, const char* text, size_t length) {
  const char* temporary = ".record";
  BERTH_ASSIGN(const sys::Fd file, sys::adopt(openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), "openat"));
  BERTH_TRY(sys::write_all(file.get(), text, length));
  if (renameat(directory, temporary, directory, name) != 0) return sys::last_error("renameat");
  return {};
}

}  // namespace

Result<void> identify(pid_t task, StateRecord& record) {
  BERTH_ASSIGN(const sys::Fd proc, sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  record.supervisor.pid = getpid();
  record.task.pid = task;
  BERTH_ASSIGN(record.supervisor.start_time, sys::start_time(proc.get(), record.supervisor.pid));
  BERTH_ASSIGN(record.task.start_time, sys::start_time(proc.get(), record.task.pid));
  BERTH_ASSIGN(const sys::Fd boot, sys::adopt(openat(proc.get(), "sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), "openat"));
  constexpr size_t kUuid = 36;
  if (read(boot.get(), record.boot_id, kUuid) != kUuid) return sys::last_error("read");
  return {};
}

Result<void> write_state(int directory, const StateRecord& record) {
  char text[512];
  const int length = snprintf(text, sizeof text,
                              "{\"format\":1,\"boot_id\":\"%s\",\"supervisor\":{\"pid\":%d,\"start_time\":%llu},"
                              "\"task\":{\"pid\":%d,\"start_time\":%llu},\"started_at\":\"%s\"}\n",
                              record.boot_id, record.supervisor.pid, static_cast<unsigned long long>(record.supervisor.start_time),
                              record.task.pid, static_cast<unsigned long long>(record.task.start_time), now().text);
  return write_whole(directory, "state.json", text, static_cast<size_t>(length));
}

void format_exit(char (&text)[256], const ExitStatus& exit) {
  char signal[16] = "null";
  if (exit.signal != 0) snprintf(signal, sizeof signal, "%d", exit.signal);
  snprintf(text, sizeof text,
           "{\"format\":1,\"status\":%d,\"signal\":%s,\"oom_killed\":%s,\"finished_at\":\"%s\",\"log_bytes_dropped\":%llu}", exit.status,
           signal, exit.oom_killed ? "true" : "false", now().text, static_cast<unsigned long long>(exit.log_bytes_dropped));
}

Result<void> write_exit(int directory, const char* text) {
  return write_whole(directory, "exit.json", text, strlen(text));
}

}  // namespace berth::init
