// A process with threads that each do one known thing, named after it: load NAME:DEED[:NUMBER]…
//   spin       use the CPU in the program
//   call       use it in the kernel
//   sleep      wait for ever
//   births     start and end short threads without pause
//   hold:N     touch N bytes and keep them
//   write:N    write N bytes a second to a file in $TMPDIR, synced
//   thrash:N   read a mapped file of N bytes in $TMPDIR round and round
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

void spin_for(double seconds) {
  timespec start{}, now{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (double(now.tv_sec - start.tv_sec) + double(now.tv_nsec - start.tv_nsec) * 1e-9 <
           seconds);
}

[[noreturn]] void run(const std::string& name, const std::string& deed, size_t number) {
  pthread_setname_np(pthread_self(), name.c_str());
  if (deed == "spin") {
    volatile uint64_t count = 0;
    for (;;) count = count + 1;
  }
  if (deed == "call") {
    const int zero = open("/dev/zero", O_RDONLY);
    std::vector<char> block(1 << 20);
    for (;;) (void)!read(zero, block.data(), block.size());
  }
  if (deed == "hold") {
    void* memory =
        mmap(nullptr, number, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, number);
  }
  if (deed == "write") {
    std::string path = std::string(getenv("TMPDIR")) + "/written";
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const std::vector<char> block(number / 20, 'x');
    // Always over the same bytes: what is truncated or grows is accounted differently.
    for (;;) {
      (void)!pwrite(file, block.data(), block.size(), 0);
      fsync(file);
      usleep(50'000);
    }
  }
  if (deed == "thrash") {
    const std::string path = std::string(getenv("TMPDIR")) + "/mapped";
    const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    const std::vector<char> block(1 << 20, 'x');
    for (size_t at = 0; at < number; at += block.size()) {
      (void)!pwrite(file, block.data(), block.size(), static_cast<off_t>(at));
    }
    fsync(file);
    const auto* mapped =
        static_cast<const volatile char*>(mmap(nullptr, number, PROT_READ, MAP_SHARED, file, 0));
    madvise(const_cast<char*>(mapped), number,
            MADV_RANDOM);  // no reading ahead: each page is waited for
    for (;;) {
      for (size_t at = 0; at < number; at += 4096) (void)mapped[at];
    }
  }
  if (deed == "births") {
    for (;;) std::thread([] { spin_for(0.02); }).join();
  }
  for (;;) pause();
}

}  // namespace

int main(int count, char** deeds) {
  for (int index = 1; index < count; ++index) {
    const std::string all = deeds[index];
    const size_t first = all.find(':'), second = all.find(':', first + 1);
    const size_t number =
        second == std::string::npos ? 0 : strtoull(all.c_str() + second + 1, nullptr, 10);
    std::thread(run, all.substr(0, first), all.substr(first + 1, second - first - 1), number)
        .detach();
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
