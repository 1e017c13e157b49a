// Whatever /proc/PID/stat may hold (a process chooses its own name), start_time neither crashes nor reads past it.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>

#include "sys/process.h"

namespace {

/// A folder with one file, 1/stat, taken away when the process ends.
class Stage {
 public:
  Stage() {
    if (mkdtemp(path_) == nullptr) abort();
    directory_.reset(open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    mkdirat(directory_.get(), "1", 0700);
    file_.reset(openat(directory_.get(), "1/stat", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    unlinkat(directory_.get(), "1/stat", 0);
    unlinkat(directory_.get(), "1", AT_REMOVEDIR);
    rmdir(path_);
  }
  int show(const uint8_t* data, size_t size) {
    if (ftruncate(file_.get(), 0) != 0 || pwrite(file_.get(), data, size, 0) < 0) abort();
    return directory_.get();
  }

 private:
  char path_[32] = "/dev/shm/berth-fuzz-XXXXXX";
  berth::sys::Fd directory_;
  berth::sys::Fd file_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Stage stage;
  (void)berth::sys::start_time(stage.show(data, size), 1);
  return 0;
}
