#include "sys/sealed_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "sys/defence.h"
#include "sys/kernel.h"

namespace berth::sys {
namespace {

constexpr int kSeals =
    kernel::kSealSeal | kernel::kSealShrink | kernel::kSealGrow | kernel::kSealWrite;
/// Executable but not readable: the kernel treats whoever runs it as undumpable.
constexpr mode_t kProgramMode = 0111;

Result<Fd> fill_and_seal(Fd file, const void* bytes, size_t size, mode_t mode) {
  for (size_t done = 0; done < size;) {
    const ssize_t written = retry_interrupted(
        [&] { return write(file.get(), static_cast<const char*>(bytes) + done, size - done); });
    if (written < 0) return last_error("write");
    done += static_cast<size_t>(written);
  }
  if (fchmod(file.get(), mode) != 0) return last_error("fchmod");
  if (fcntl(file.get(), kernel::kAddSeals, kSeals) != 0) return last_error("fcntl");
  return file;
}

/// A file's bytes, to be compared.
class Bytes {
 public:
  Bytes(int file, size_t size)
      : size_(size), bytes_(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0)) {}
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() {
    if (bytes_ != MAP_FAILED) munmap(bytes_, size_);
  }
  bool operator==(const Bytes& other) const {
    return bytes_ != MAP_FAILED && other.bytes_ != MAP_FAILED && size_ == other.size_ &&
           memcmp(bytes_, other.bytes_, size_) == 0;
  }

 private:
  size_t size_;
  void* bytes_;
};

constexpr unsigned kFlags = kernel::kMemfdCloexec | kernel::kMemfdAllowSealing;

}  // namespace

Result<Fd> sealed_file(const char* name, const void* bytes, size_t size, mode_t mode) {
  BERTH_ASSIGN(Fd file, adopt(kernel::memfd_create(name, kFlags), "memfd_create"));
  return fill_and_seal(std::move(file), bytes, size, mode);
}

Result<Fd> sealed_program(const char* path) {
  BERTH_ASSIGN(Fd source, adopt(open(path, O_RDONLY | O_CLOEXEC), "open"));
  if (!holds("sealed-program")) return source;
  struct stat status;
  if (fstat(source.get(), &status) != 0) return last_error("fstat");
  const auto size = static_cast<size_t>(status.st_size);
  auto memory =
      adopt(kernel::memfd_create("berth-init", kFlags | kernel::kMemfdExec), "memfd_create");
  // EINVAL: a kernel before 6.3, whose memory files are always executable. EACCES: vm.memfd_noexec=2.
  if (!memory && memory.error().number == EINVAL)
    memory = adopt(kernel::memfd_create("berth-init", kFlags), "memfd_create");
  if (!memory && memory.error().number == EACCES) return source;
  if (!memory) return memory.error();
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, source.get(), 0);
  if (bytes == MAP_FAILED) return last_error("mmap");
  auto sealed = fill_and_seal(std::move(*memory), bytes, size, kProgramMode);
  munmap(bytes, size);
  return sealed;
}

Result<Fd> same_program(const char* running, int source) {
  constexpr Error kOther = {ENOEXEC, "open"};
  if (!holds("sealed-program")) return kOther;
  BERTH_ASSIGN(Fd found, adopt(open(running, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open"));
  // Before all else: what it is from here on, it stays.
  const int seals = fcntl(found.get(), kernel::kGetSeals);
  if (seals < 0 || (seals & kSeals) != kSeals) return kOther;
  struct stat wanted, status;
  if (fstat(source, &wanted) != 0 || fstat(found.get(), &status) != 0) return last_error("fstat");
  // Only its owner could make it readable.
  if (status.st_uid != geteuid() || (status.st_mode & 07777) != kProgramMode) return kOther;
  if (status.st_size != wanted.st_size || status.st_size <= 0) return kOther;
  const auto size = static_cast<size_t>(wanted.st_size);
  if (!(Bytes(found.get(), size) == Bytes(source, size))) return kOther;
  return found;
}

}  // namespace berth::sys
