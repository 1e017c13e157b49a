#include "launch/seccomp_profile.h"

#include <nettle/sha2.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "sys/defence.h"
#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::launch {
namespace {

using std::string_view;

constexpr uint32_t kInvalidAction = 0xffffffff;

uint32_t action_of(const Json& name, uint32_t error_number) {
  const string_view text = name.required_text();
  if (text == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (text == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(error_number);
  if (text == "SCMP_ACT_KILL" || text == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (text == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (text == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (text == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (text == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(error_number);
  name.fault("is no action that berth supports");
  return kInvalidAction;
}

std::optional<uint32_t> architecture_of(string_view name) {
  if (name == "SCMP_ARCH_X86_64") return SCMP_ARCH_X86_64;
  if (name == "SCMP_ARCH_X86") return SCMP_ARCH_X86;
  if (name == "SCMP_ARCH_X32") return SCMP_ARCH_X32;
  if (name == "SCMP_ARCH_AARCH64") return SCMP_ARCH_AARCH64;
  if (name == "SCMP_ARCH_ARM") return SCMP_ARCH_ARM;
  return {};
}

std::optional<scmp_compare> comparison_of(string_view name) {
  if (name == "SCMP_CMP_NE") return SCMP_CMP_NE;
  if (name == "SCMP_CMP_LT") return SCMP_CMP_LT;
  if (name == "SCMP_CMP_LE") return SCMP_CMP_LE;
  if (name == "SCMP_CMP_EQ") return SCMP_CMP_EQ;
  if (name == "SCMP_CMP_GE") return SCMP_CMP_GE;
  if (name == "SCMP_CMP_GT") return SCMP_CMP_GT;
  if (name == "SCMP_CMP_MASKED_EQ") return SCMP_CMP_MASKED_EQ;
  return {};
}

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

Failure refused(int code, const std::string& place) {
  Failure failure;
  failure.number = code < 0 ? -code : EINVAL;
  failure.code = "BAD_SECCOMP";
  failure.syscall = "libseccomp";
  failure.path = place;
  failure.step = "seccomp";
  return failure;
}

std::vector<scmp_arg_cmp> comparisons_of(const Json& rule) {
  std::vector<scmp_arg_cmp> comparisons;
  if (!sys::holds("filtered-arguments")) return comparisons;
  rule["args"].each([&](const Json& argument) {
    const auto operation = comparison_of(argument["op"].required_text());
    if (!operation) return argument["op"].fault("is no comparison");
    comparisons.push_back({static_cast<unsigned>(argument["index"].integer(0, 5)), *operation,
                           argument["value"].unsigned_integer(),
                           argument["valueTwo"].unsigned_integer()});
  });
  return comparisons;
}

std::variant<SeccompProgram, Failure> build(const Json& profile) {
  const auto default_errno =
      static_cast<uint32_t>(profile["defaultErrnoRet"].integer(0, 4095, EPERM));
  const uint32_t default_action = action_of(profile["defaultAction"], default_errno);
  if (default_action == kInvalidAction) return refused(-EINVAL, profile["defaultAction"].place());
  for (const char* unsupported : {"listenerPath", "listenerMetadata"}) {
    if (!profile[unsupported].text().empty()) profile[unsupported].fault("is not supported");
  }
  const Filter filter(seccomp_init(default_action));
  if (!filter) return refused(-ENOMEM, profile.place());
  // A binary tree over the numbers instead of a list: the same answers, a fraction of the comparisons (libseccomp 2.5).
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0);
  const bool all_kinds = sys::holds("filtered-architectures");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH,
                   all_kinds ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
  std::optional<Failure> failure;
  profile["architectures"].each([&](const Json& name) {
    const auto architecture = architecture_of(name.text());
    if (!architecture) return name.fault("is no architecture that berth supports");
    if (!all_kinds) return;
    const int added = seccomp_arch_add(filter.get(), *architecture);
    if (added < 0 && added != -EEXIST) failure = refused(added, name.place());
  });
  profile["syscalls"].each([&](const Json& rule) {
    const auto error_number = static_cast<uint32_t>(rule["errnoRet"].integer(0, 4095, EPERM));
    const uint32_t action = action_of(rule["action"], error_number);
    // libseccomp refuses a rule that only repeats the default.
    if (action == kInvalidAction || action == default_action) return;
    const auto comparisons = comparisons_of(rule);
    rule["names"].each([&](const Json& name) {
      const int number = seccomp_syscall_resolve_name(std::string(name.text()).c_str());
      if (number == __NR_SCMP_ERROR)
        return;  // of another architecture, or newer than libseccomp: the default action holds
      const int added =
          seccomp_rule_add_array(filter.get(), action, number,
                                 static_cast<unsigned>(comparisons.size()), comparisons.data());
      if (added < 0) failure = refused(added, name.place());
    });
  });
  if (failure) return *failure;

  const sys::Fd file(
      static_cast<int>(sys::kernel::memfd_create("seccomp", sys::kernel::kMemfdCloexec)));
  if (!file) return refused(-errno, profile.place());
  if (const int exported = seccomp_export_bpf(filter.get(), file.get()); exported < 0)
    return refused(exported, profile.place());
  struct stat status;
  if (fstat(file.get(), &status) != 0) return refused(-errno, profile.place());
  SeccompProgram program(static_cast<size_t>(status.st_size) / sizeof(uint64_t));
  if (pread(file.get(), program.data(), program.size() * sizeof(uint64_t), 0) != status.st_size)
    return refused(-EIO, profile.place());
  return compacted(program);
}

using Digest = std::array<uint8_t, SHA256_DIGEST_SIZE>;

Digest digest(const void* bytes, size_t size) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, size, static_cast<const uint8_t*>(bytes));
  Digest result;
  sha256_digest(&context, result.size(), result.data());
  return result;
}

std::string hex(const Digest& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

/// The file is the program behind its own digest, so that a torn or altered one is never loaded.
std::optional<SeccompProgram> read_kept(const std::string& path) {
  const sys::Fd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status;
  if (!file || fstat(file.get(), &status) != 0) return {};
  constexpr off_t kMost = 65535 * off_t{sizeof(uint64_t)};
  const off_t size = status.st_size - off_t{SHA256_DIGEST_SIZE};
  if (status.st_uid != geteuid() || (status.st_mode & 0077) != 0 || size <= 0 || size > kMost ||
      size % 8 != 0)
    return {};
  Digest stated;
  SeccompProgram program(static_cast<size_t>(size) / sizeof(uint64_t));
  if (pread(file.get(), stated.data(), stated.size(), 0) != static_cast<ssize_t>(stated.size()))
    return {};
  if (pread(file.get(), program.data(), static_cast<size_t>(size), SHA256_DIGEST_SIZE) != size)
    return {};
  if (digest(program.data(), static_cast<size_t>(size)) != stated) return {};
  return program;
}

/// A cache: when it cannot be written, the next start compiles again and nothing else is lost.
void keep(const std::string& directory, const std::string& path, const SeccompProgram& program) {
  mkdir(directory.c_str(), 0700);
  const std::string temporary = path + "." + std::to_string(gettid());
  const sys::Fd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return;
  const size_t size = program.size() * sizeof(uint64_t);
  const Digest stated = digest(program.data(), size);
  const bool whole =
      write(file.get(), stated.data(), stated.size()) == static_cast<ssize_t>(stated.size()) &&
      write(file.get(), program.data(), size) == static_cast<ssize_t>(size);
  if (!whole || rename(temporary.c_str(), path.c_str()) != 0) unlink(temporary.c_str());
}

}  // namespace

std::variant<SeccompProgram, Failure> SeccompCache::compile(const Json& profile,
                                                            const std::string& directory) {
  const scmp_version* library = seccomp_version();
  const std::string decides =
      profile.minified() + "\n" + std::to_string(library->major) + "." +
      std::to_string(library->minor) + "." + std::to_string(library->micro) + " " +
      std::to_string(seccomp_arch_native()) + " compacted" + sys::weakness();
  const std::string name = hex(digest(decides.data(), decides.size()));
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  const std::string path = directory + "/" + name + ".bpf";
  if (!directory.empty()) {
    if (auto kept = read_kept(path)) return known_[name] = std::move(*kept);
  }
  auto built = build(profile);
  if (auto* program = std::get_if<SeccompProgram>(&built)) {
    if (!directory.empty()) keep(directory, path, *program);
    known_[name] = *program;
  }
  return built;
}

std::variant<SeccompProgram, Failure> SeccompCache::compile_text(const std::string& profile,
                                                                 Faults& faults,
                                                                 const std::string& directory) {
  const std::string key = profile + sys::weakness();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [text, program] : texts_) {
      if (text == key) return program;
    }
  }
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto error = parser.parse(profile).get(document)) {
    faults.add("config.json: linux.seccomp", simdjson::error_message(error));
    return SeccompProgram();
  }
  auto compiled = compile(Json(document, "config.json: linux.seccomp", faults), directory);
  if (const auto* program = std::get_if<SeccompProgram>(&compiled); program && !faults.any()) {
    const std::lock_guard lock(mutex_);
    if (texts_.size() == kMostTexts) texts_.erase(texts_.begin());
    texts_.emplace_back(key, *program);
  }
  return compiled;
}

}  // namespace berth::launch
