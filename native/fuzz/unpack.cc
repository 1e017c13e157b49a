// Whatever entries a layer has, in whatever order, unpacking it touches nothing beside its own tree.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sys/layer_writer.h"
#include "sys/remove_tree.h"

namespace {

using namespace berth::sys;

/// The input, a byte at a time; zeros after its end.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool any() const { return !bytes_.empty(); }
  uint8_t next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

 private:
  std::span<const uint8_t> bytes_;
};

/// A name of up to four parts, each of which has hurt somebody or meets another.
std::string name_from(Choices& choices) {
  static constexpr const char* kParts[] = {"a",
                                           "b",
                                           "c",
                                           "d",
                                           ".",
                                           "..",
                                           "",
                                           "lower",
                                           ".wh.a",
                                           ".wh.b",
                                           ".wh.lower",
                                           ".wh...",
                                           ".wh.",
                                           "link",
                                           "dir",
                                           "canary",
                                           ".wh..wh..opq",
                                           ".berth-removing-0"};
  std::string name = choices.next() % 4 == 0 ? "/" : "";
  for (int parts = choices.next() % 4; parts >= 0; --parts) {
    name += kParts[choices.next() % (sizeof kParts / sizeof kParts[0])];
    if (parts > 0) name += '/';
  }
  return name;
}

void put_octal(char* field, size_t size, unsigned value) {
  snprintf(field, size, "%0*o", static_cast<int>(size - 1), value);
}

/// One entry as a tar archive has it (POSIX ustar).
std::string entry_from(Choices& choices) {
  char header[kTarBlock] = {};
  const std::string name = name_from(choices), link = name_from(choices);
  constexpr size_t kField = 100;
  std::copy_n(name.begin(), std::min(name.size(), kField - 1), header);
  std::copy_n(link.begin(), std::min(link.size(), kField - 1), header + 157);
  header[156] = "0125566g"[choices.next() % 8];
  const unsigned size = header[156] == '0' ? choices.next() : 0;
  put_octal(header + 100, 8, choices.next() * 16U);
  put_octal(header + 108, 8, choices.next() % 4);
  put_octal(header + 116, 8, choices.next() % 4);
  put_octal(header + 124, 12, size);
  put_octal(header + 136, 12, choices.next());
  constexpr std::string_view kMagic("ustar\00000", 8);
  std::copy(kMagic.begin(), kMagic.end(), header + 257);
  std::fill_n(header + 148, 8, ' ');
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<uint8_t>(c);
  put_octal(header + 148, 7, sum);
  std::string entry(header, sizeof header);
  if (size > 0) entry += std::string(size, 'x') + std::string(kTarBlock - size % kTarBlock, '\0');
  return entry;
}

class Input : public ByteSource {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const auto part = bytes_.first(static_cast<size_t>(std::min<uint64_t>(at_most, bytes_.size())));
    bytes_ = bytes_.subspan(part.size());
    return part;
  }

 private:
  std::span<const uint8_t> bytes_;
};

/// A folder with a canary beside the tree that is unpacked, and a layer below it; gone when the process ends.
class Stage {
 public:
  Stage() {
    if (mkdtemp(path_) == nullptr) abort();
    top_ = directory(AT_FDCWD, path_);
    make("canary");
    make("lower");
    const Fd lower = directory(top_.get(), "lower");
    mkdirat(lower.get(), "dir", 0755);
    symlinkat("../canary", lower.get(), "link");
    const Fd file(openat(lower.get(), "lower", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    const Fd canary = directory(top_.get(), "canary");
    const Fd a(openat(canary.get(), "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    before_ = canary_now();
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() { (void)remove_tree(AT_FDCWD, path_); }

  void unpack(std::span<const uint8_t> archive, bool overlay, bool again) {
    make("tree");
    std::vector<std::shared_ptr<const Fd>> lowers;
    if (overlay) lowers.push_back(std::make_shared<const Fd>(directory(top_.get(), "lower")));
    Refusal refusal;
    LayerTree tree(
        directory(top_.get(), "tree"), overlay,
        [&]() -> Result<std::vector<std::shared_ptr<const Fd>>> { return lowers; }, 1 << 16,
        refusal);
    for (int layer = again ? 2 : 1; layer > 0; --layer)
      apply(archive, tree, !overlay && layer == 1, refusal);
    (void)tree.finish();
    if (!remove_tree(top_.get(), "tree")) abort();
    if (canary_now() != before_) abort();
  }

 private:
  static Fd directory(int parent, const char* name) {
    Fd opened(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) abort();
    return opened;
  }
  void make(const char* name) {
    if (mkdirat(top_.get(), name, 0755) != 0) abort();
  }

  static void apply(std::span<const uint8_t> archive, LayerTree& tree, bool over_lower,
                    Refusal& refusal) {
    Input input(archive);
    TarReader reader(input, {1000, 4096, 1 << 16}, refusal);
    LayerWriter writer(tree, over_lower, {64, 1 << 20, 65536}, refusal);
    TarEntry entry;
    for (;;) {
      auto more = reader.next(entry);
      // An entry that is refused ends an unpacking; here what comes after it may try too.
      if (!more || !*more) return;
      (void)writer.apply(entry, reader);
    }
  }

  /// What a stranger could have changed: the folder's own times, owner and mode, and those of its one file.
  std::string canary_now() const {
    std::string now;
    for (const char* name : {"canary", "canary/a"}) {
      struct stat status;
      if (fstatat(top_.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return "";
      for (const auto number : {uint64_t{status.st_mode}, uint64_t{status.st_uid},
                                uint64_t{status.st_nlink}, uint64_t(status.st_size),
                                uint64_t(status.st_ctim.tv_sec), uint64_t(status.st_ctim.tv_nsec)})
        now += std::to_string(number) + " ";
    }
    return now;
  }

  char path_[32] = "/dev/shm/berth-fuzz-XXXXXX";
  Fd top_;
  std::string before_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Stage stage;
  Choices choices({data, size});
  const uint8_t mode = choices.next();
  std::string archive;
  for (int entries = 0; choices.any() && entries < 32; ++entries) archive += entry_from(choices);
  archive += std::string(2 * kTarBlock, '\0');
  stage.unpack({reinterpret_cast<const uint8_t*>(archive.data()), archive.size()}, mode % 2 == 0,
               mode % 4 < 2);
  return 0;
}
