// berth-copy: one `berth cp`. Two processes that share nothing but a pipe and their counts, each in the one place that it reads or writes; this one starts
// them, tells on descriptor 3 how far they are, and ends them when nobody is there to hear it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "copy/report.h"
#include "copy/request.h"
#include "copy/source.h"
#include "copy/target.h"
#include "copy/view.h"
#include "sys/fd.h"
#include "sys/file_sink.h"
#include "sys/kernel.h"
#include "sys/write_all.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;

constexpr int kReportTo = 3, kMoment = 100;  // milliseconds between two lines

class FileSource : public sys::ByteSource {
 public:
  FileSource(int file, Report& report) : file_(file), report_(report), buffer_(256 * 1024) {}
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(at_most, buffer_.size()));
    const ssize_t length =
        sys::retry_interrupted([&] { return ::read(file_, buffer_.data(), wanted); });
    if (length < 0) return sys::last_error("read");
    report_.moved += static_cast<uint64_t>(length);
    return std::span<const uint8_t>(buffer_).first(static_cast<size_t>(length));
  }

 private:
  const int file_;
  Report& report_;
  std::vector<uint8_t> buffer_;
};

class CountingSink : public sys::FileSink {
 public:
  CountingSink(int file, Report& report) : FileSink(file), report_(report) {}
  Result<void> write(std::span<const uint8_t> bytes) override {
    report_.moved += bytes.size();
    return FileSink::write(bytes);
  }

 private:
  Report& report_;
};

struct Half {
  pid_t pid = -1;
  Fd handle;
};

using Work = std::function<Result<void>(int root, int descriptors, sys::Refusal& refusal)>;

/// What each half does before its own work, in its own process.
Result<void> settle_in(Place place, const View& view, const Work& work, sys::Refusal& refusal) {
  BERTH_ASSIGN(const Fd descriptors,
               sys::adopt(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd root, enter_view(place, view));
  return work(root.get(), descriptors.get(), refusal);
}

/// `dies_with_us`: at once. A writer would rather find that its source has ended, and clear up.
Result<Half> start(Place place, const View& view, bool dies_with_us, Report& report,
                   const Work& work) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return sys::last_error("fork");
  if (pid == 0) {
    (void)close(kReportTo);
    sys::Refusal refusal;
    auto outcome = settle_in(
        place, view,
        [&](int root, int descriptors, sys::Refusal& refused) -> Result<void> {
          // Only now: to become another user clears it (prctl(2)).
          if (dies_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            return sys::last_error("prctl");
          if (dies_with_us && getppid() != parent) _exit(1);
          return work(root, descriptors, refused);
        },
        refusal);
    if (!outcome) report.fail(outcome.error(), refusal);
    _exit(outcome ? 0 : 1);
  }
  BERTH_ASSIGN(Fd handle, sys::adopt(sys::kernel::pidfd_open(pid, 0), "pidfd_open"));
  return Half{pid, std::move(handle)};
}

/// True: it has done its work.
bool collect(Half& half, Report& report) {
  int status = 0;
  if (sys::retry_interrupted([&] { return waitpid(half.pid, &status, 0); }) < 0) return false;
  half.handle.reset();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (!report.trouble.there) report.fail({EINTR, "waitpid"}, {});
  return false;
}

void tell(const std::string& line) { (void)sys::write_all(kReportTo, line.data(), line.size()); }

/// Until both have ended. Whoever listens may go away: then so do they.
void follow(Half& source, Half& target, Reports& reports, const Report& counted) {
  uint64_t told = 0;
  while (source.handle || target.handle) {
    pollfd waits[] = {
        {source.handle.get(), POLLIN, 0}, {target.handle.get(), POLLIN, 0}, {kReportTo, 0, 0}};
    (void)poll(waits, 3, kMoment);
    if ((waits[2].revents & (POLLHUP | POLLERR)) != 0) {
      for (const Half* half : {&source, &target}) {
        if (half->handle && (half == &source || !source.handle))
          sys::kernel::pidfd_send_signal(half->handle.get(), SIGKILL);
      }
    }
    if ((waits[0].revents & POLLIN) != 0) (void)collect(source, reports.source);
    if ((waits[1].revents & POLLIN) != 0) (void)collect(target, reports.target);
    if (counted.moved != told) {
      told = counted.moved;
      tell(progress_line(counted));
    }
  }
}

/// Which half is to blame: a reader that lost its writer, and a writer that lost its reader, are echoes.
int conclude(const Reports& reports, const Report& counted) {
  const Trouble &source = reports.source.trouble, &target = reports.target.trouble;
  const bool echo = target.there && source.number == EPIPE;
  if (source.there && !echo) {
    tell(failed_line("source", source));
  } else if (target.there) {
    tell(failed_line("target", target));
  } else {
    tell(done_line(reports, counted));
    return 0;
  }
  return 1;
}

Result<void> copy(const Request& request, Reports& reports) {
  const bool from_stream = request.from == Place::kStream, to_stream = request.to == Place::kStream;
  Fd reading(from_stream ? 0 : -1), writing(to_stream ? 1 : -1);
  if (!from_stream && !to_stream) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return sys::last_error("pipe2");
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }
  Half source, target;
  if (!from_stream) {
    const auto work = [&](int root, int descriptors, sys::Refusal& refusal) {
      reading.reset();
      CountingSink sink(writing.get(), reports.source);
      return write_source(request, root, descriptors, sink, reports.source, refusal);
    };
    BERTH_ASSIGN(source, start(request.from, request.view, true, reports.source, work));
  }
  writing.reset();
  if (!to_stream) {
    const auto work = [&](int root, int descriptors, sys::Refusal& refusal) {
      // No copy ends half because a key was pressed: its source ends first, and it clears up.
      for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)signal(number, SIG_IGN);
      FileSource bytes(reading.get(), reports.target);
      return read_into_target(request, root, descriptors, bytes, reports.target, refusal);
    };
    BERTH_ASSIGN(target, start(request.to, request.view, from_stream, reports.target, work));
  }
  reading.reset();
  follow(source, target, reports, to_stream ? reports.source : reports.target);
  return {};
}

int run(const std::vector<std::string>& words) {
  const auto request = parse_request(words);
  Reports* const reports = share_reports();
  if (!request || reports == nullptr) return 2;
  (void)signal(SIGPIPE, SIG_IGN);
  umask(0);
  // A folder stays open while what is in it is read, and paths are long.
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  // Whoever shares the host's processes with a container: it is no business of that container's.
  (void)prctl(PR_SET_DUMPABLE, 0);
  if (auto outcome = copy(*request, *reports); !outcome) reports->source.fail(outcome.error(), {});
  return conclude(*reports, request->to == Place::kStream ? reports->source : reports->target);
}

}  // namespace
}  // namespace berth::copy

int main(int argc, char** argv) { return berth::copy::run({argv + 1, argv + argc}); }
