#include "runtime/log.h"

#include <fcntl.h>
#include <time.h>

#include <cstdio>

#include "runtime/json_text.h"
#include "runtime/trouble.h"
#include "sys/fd.h"
#include "sys/write_all.h"

namespace berth::runtime {
namespace {

std::string log_path;
bool as_json = false;

void append(const char* level, const std::string& text) {
  if (log_path.empty()) return;
  const sys::Fd file(
      open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644));
  const std::string line = as_json ? JsonObject()
                                         .member("level", json_string(level))
                                         .member("msg", json_string(text))
                                         .member("time", json_string(timestamp()))
                                         .text()
                                   : "time=" + json_string(timestamp()) + " level=" + level +
                                         " msg=" + json_string(text);
  // A log that cannot be written must not hide what it was to tell: that stands on stderr too.
  if (file) (void)sys::write_all(file.get(), (line + "\n").data(), line.size() + 1);
}

}  // namespace

void log_to(const std::string& path, const std::string& format) {
  if (format != "text" && format != "json")
    throw Trouble("--log-format " + format + ": must be text or json");
  log_path = path;
  as_json = format == "json";
}

void log_error(const std::string& text) {
  append("error", text);
  (void)fprintf(stderr, "berth-runtime: %s\n", text.c_str());
}

void warn(const std::string& text) {
  append("warning", text);
  if (log_path.empty()) (void)fprintf(stderr, "berth-runtime: warning: %s\n", text.c_str());
}

std::string timestamp() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts;
  gmtime_r(&now.tv_sec, &parts);
  char day[32], fraction[32];
  (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  (void)snprintf(fraction, sizeof fraction, ".%06ldZ", now.tv_nsec / 1000);
  return std::string(day) + fraction;
}

}  // namespace berth::runtime
