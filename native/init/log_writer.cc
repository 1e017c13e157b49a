#include "init/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include <cstdio>  // renameat
#include <cstring>

#include "sys/timestamp.h"

namespace berth::init {
namespace {

int64_t milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

void LogWriter::configure(int container, const launch::Logs& limits) {
  container_ = container;
  max_bytes_ = limits.max_bytes;
  max_files_ = limits.max_files;
}

size_t LogWriter::write(Stream stream, const char* bytes, size_t count, bool patient) {
  const size_t whole = count;
  if (max_bytes_ == 0) return whole;
  while (count > 0) {
    const auto* newline = static_cast<const char*>(memchr(bytes, '\n', count));
    size_t length = newline == nullptr ? count : static_cast<size_t>(newline - bytes);
    const bool full = newline != nullptr && length <= kLongestText;
    if (length > kLongestText) length = kLongestText;
    if (!append(lines_[static_cast<int>(stream)], stream, bytes, length, full, patient)) break;
    const size_t taken = length + (full ? 1 : 0);
    bytes += taken;
    count -= taken;
  }
  return whole - count;
}

bool LogWriter::append(Line& line, Stream stream, const char* text, size_t count, bool full,
                       bool patient) {
  if (line.broken && record(stream, "", 0, true)) line.broken = line.open = false;
  const auto put = [&] {
    if (line.skipping || line.broken || !record(stream, text, count, full)) return false;
    line.open = !full;
    return true;
  };
  if (put()) return true;
  if (patient && !line.skipping && wait_for_room()) {
    // Between the look and the request to be told the thread may have made room.
    if (line.broken && record(stream, "", 0, true)) line.broken = line.open = false;
    return put();
  }
  dropped_.add(count);
  line.skipping = !full;
  line.broken = line.open;
  return true;
}

bool LogWriter::wait_for_room() {
  if (!started_) return false;
  const size_t tail = tail_.load();
  if (slow_) {
    if (tail != head_.load()) return false;
    slow_ = false;
  }
  const int64_t now = milliseconds();
  if (tail != seen_tail_ || seen_at_ == 0) {
    seen_tail_ = tail;
    seen_at_ = now;
  } else if (now - seen_at_ >= kPatience) {
    slow_ = true;
    seen_at_ = 0;
    return false;
  }
  eventfd_t ignored;
  (void)eventfd_read(room_.get(), &ignored);
  waiting_.store(true);
  return true;
}

int LogWriter::patience_left() const {
  const int64_t left = seen_at_ + kPatience - milliseconds();
  return left > 0 ? static_cast<int>(left) : 0;
}

bool LogWriter::record(Stream stream, const char* text, size_t count, bool full) {
  constexpr size_t kNanoseconds = 9;
  const sys::Text<64> head(sys::now(kNanoseconds).c_str(),
                           stream == Stream::kStdout ? " stdout " : " stderr ", full ? "F " : "P ");
  const size_t whole = head.size() + count + 1;
  const size_t start = head_.load();
  if (kRing - (start - tail_.load()) < whole || !start_thread()) return false;
  size_t at = start;
  const auto put = [&](const char* bytes, size_t size) {
    const size_t place = at % kRing;
    const size_t first = size < kRing - place ? size : kRing - place;
    memcpy(ring_ + place, bytes, first);
    memcpy(ring_, bytes + first, size - first);
    at += size;
  };
  put(head.c_str(), head.size());
  put(text, count);
  put("\n", 1);
  head_.store(at);
  // The thread sleeps only when it has taken all; both sides look at the other's count after writing their own, so one of them sees it.
  if (tail_.load() == start) wake_thread();
  return true;
}

bool LogWriter::start_thread() {
  if (started_) return true;
  wake_.reset(eventfd(0, EFD_CLOEXEC));
  finished_.reset(eventfd(0, EFD_CLOEXEC));
  room_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  pthread_t thread;
  started_ = wake_ && finished_ && room_ && pthread_create(&thread, nullptr, run, this) == 0;
  return started_;
}

void LogWriter::wake_thread() {
  // Cannot fail: the counter would have to reach 2^64 - 2 (eventfd(2)).
  (void)eventfd_write(wake_.get(), 1);
}

void* LogWriter::run(void* self) {
  static_cast<LogWriter*>(self)->drain();
  return nullptr;
}

void LogWriter::drain() {
  for (;;) {
    const bool last = finishing_.load();
    const size_t taken = tail_.load();
    const size_t available = head_.load() - taken;
    if (available > 0) {
      const size_t place = taken % kRing;
      const size_t part = available < kRing - place ? available : kRing - place;
      write_records(ring_ + place, part);
      tail_.store(taken + part);
      if (waiting_.load()) (void)eventfd_write(room_.get(), 1);
    } else if (last) {
      break;
    } else {
      eventfd_t ignored;
      sys::retry_interrupted([&] { return eventfd_read(wake_.get(), &ignored); });
    }
  }
  (void)eventfd_write(finished_.get(), 1);
}

void LogWriter::write_records(const char* bytes, size_t count) {
  size_t passed = 0;
  if (inside_lost_) {
    const auto* end = static_cast<const char*>(memchr(bytes, '\n', count));
    passed = end == nullptr ? count : static_cast<size_t>(end - bytes) + 1;
    inside_lost_ = end == nullptr;
  }
  const size_t written = passed + write_out(bytes + passed, count - passed);
  if (written < count) inside_lost_ = bytes[count - 1] != '\n';
  dropped_.add(count - written + passed);
}

size_t LogWriter::write_out(const char* bytes, size_t count) {
  if (!file_ && !open_file()) return 0;
  size_t done = 0;
  while (done < count) {
    const char* rest = bytes + done;
    size_t part = count - done;
    if (size_ + part > max_bytes_) {
      if (size_ >= max_bytes_ && at_line_start_ && !rotate()) return done;
      // As far as the limit, and on from there to the end of a record: no file begins in the middle of one.
      const size_t room = max_bytes_ > size_ ? static_cast<size_t>(max_bytes_ - size_) : 0;
      const size_t from = room < part ? room : part - 1;
      const auto* end = static_cast<const char*>(memchr(rest + from, '\n', part - from));
      if (end != nullptr) part = static_cast<size_t>(end - rest) + 1;
    }
    const ssize_t written =
        sys::retry_interrupted([&] { return ::write(file_.get(), rest, part); });
    if (written <= 0) return done - take_back_torn(done);
    done += static_cast<size_t>(written);
    size_ += static_cast<uint64_t>(written);
    at_line_start_ = bytes[done - 1] == '\n';
    const auto* newline =
        static_cast<const char*>(memrchr(rest, '\n', static_cast<size_t>(written)));
    if (newline != nullptr) whole_ = size_ - static_cast<uint64_t>(bytes + done - newline - 1);
  }
  return done;
}

size_t LogWriter::take_back_torn(size_t most) {
  const uint64_t torn = size_ - whole_;
  if (torn == 0 || ftruncate(file_.get(), static_cast<off_t>(whole_)) != 0) return 0;
  size_ = whole_;
  at_line_start_ = true;
  return torn < most ? static_cast<size_t>(torn) : most;
}

bool LogWriter::open_file() {
  if (!directory_) {
    if (mkdirat(container_, "logs", 0700) != 0 && errno != EEXIST) return false;
    directory_.reset(openat(container_, "logs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  file_.reset(openat(directory_.get(), "log",
                     O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status;
  if (!file_ || fstat(file_.get(), &status) != 0) return false;
  size_ = whole_ = static_cast<uint64_t>(status.st_size);
  at_line_start_ = true;
  return true;
}

bool LogWriter::rotate() {
  for (uint32_t i = max_files_ - 1; i > 0; --i) {
    const auto name = [](uint32_t age) {
      return age == 0 ? sys::Text<24>("log") : sys::Text<24>("log.", age);
    };
    if (renameat(directory_.get(), name(i - 1).c_str(), directory_.get(), name(i).c_str()) != 0 &&
        errno != ENOENT)
      return false;
  }
  if (max_files_ <= 1 && unlinkat(directory_.get(), "log", 0) != 0 && errno != ENOENT) return false;
  return open_file();
}

void LogWriter::finish(int patience_ms) {
  if (max_bytes_ == 0) return;
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    if (lines_[static_cast<int>(stream)].open) record(stream, "", 0, true);
  }
  if (!started_) return;
  finishing_.store(true);
  wake_thread();
  pollfd finished = {finished_.get(), POLLIN, 0};
  if (sys::retry_interrupted([&] { return poll(&finished, 1, patience_ms); }) != 1)
    dropped_.add(head_.load() - tail_.load());
}

}  // namespace berth::init
