#include "sys/sealed_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/defence.h"
#include "sys/kernel.h"

namespace berth::sys {
namespace {

Result<Fd> fill_and_seal(Fd file, const void* bytes, size_t size, mode_t mode) {
  for (size_t done = 0; done < size;) {
    const ssize_t written = retry_interrupted(
        [&] { return write(file.get(), static_cast<const char*>(bytes) + done, size - done); });
    if (written < 0) return last_error("write");
    done += static_cast<size_t>(written);
  }
  if (fchmod(file.get(), mode) != 0) return last_error("fchmod");
  const int seals =
      kernel::kSealSeal | kernel::kSealShrink | kernel::kSealGrow | kernel::kSealWrite;
  if (fcntl(file.get(), kernel::kAddSeals, seals) != 0) return last_error("fcntl");
  return file;
}

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
  auto sealed = fill_and_seal(std::move(*memory), bytes, size, 0111);
  munmap(bytes, size);
  return sealed;
}

}  // namespace berth::sys
