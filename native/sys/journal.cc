#include "sys/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/directory_entry.h"
#include "sys/fd.h"
#include "sys/text.h"
#include "sys/write_all.h"

namespace berth::sys {
namespace {

constexpr int kKeepSize = 1;  // FALLOC_FL_KEEP_SIZE

/// Each time that somebody else was quicker is a file that was filled meanwhile.
constexpr int kTries = 1000;

using Name = Text<40>;

Name name_of(uint64_t number) { return Name(number, ".jsonl"); }

Result<Fd> open_folder(int root) {
  const auto attempt = [root] {
    return openat(root, kJournalFolder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  };
  Fd folder(attempt());
  if (!folder && errno == ENOENT) {
    if (mkdirat(root, kJournalFolder, 0700) != 0 && errno != EEXIST) return last_error("mkdirat");
    folder.reset(attempt());
  }
  if (!folder) return last_error("openat");
  return folder;
}

/// What a file of the journal has for a number; 0: it is none.
uint64_t number_of(const char* name) {
  const uint64_t number = leading_number(name);
  return strcmp(name, name_of(number).c_str()) == 0 ? number : 0;
}

/// The highest number that a file has; 0: there is none.
Result<uint64_t> newest_in(int folder) {
  alignas(DirectoryEntry) char buffer[1024];
  uint64_t newest = 0;
  if (lseek(folder, 0, SEEK_SET) < 0) return last_error("lseek");
  for (;;) {
    const long length = syscall(SYS_getdents64, folder, buffer, sizeof buffer);
    if (length < 0) return last_error("getdents64");
    if (length == 0) return newest;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry->length;
      const uint64_t number = number_of(entry->name);
      if (number > newest) newest = number;
    }
  }
}

/// That somebody else has made it meanwhile is as good.
Result<void> make_file(int folder, uint64_t number) {
  const Fd file(
      openat(folder, name_of(number).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno == EEXIST ? Result<void>() : last_error("openat");
  // Where the file system cannot, or has no room, lines take what there is when they come.
  (void)syscall(SYS_fallocate, file.get(), kKeepSize, off_t{0},
                static_cast<off_t>(kJournalFileBytes));
  return {};
}

Result<void> follow_with(int folder, uint64_t number) {
  BERTH_TRY(make_file(folder, number));
  if (number <= kJournalFiles) return {};
  if (unlinkat(folder, name_of(number - kJournalFiles).c_str(), 0) != 0 && errno != ENOENT)
    return last_error("unlinkat");
  return {};
}

}  // namespace

Result<void> append_to_journal(int root, const char* lines, size_t size) {
  BERTH_ASSIGN(const Fd folder, open_folder(root));
  for (int tries = 0; tries < kTries; ++tries) {
    BERTH_ASSIGN(uint64_t newest, newest_in(folder.get()));
    if (newest == 0) BERTH_TRY(make_file(folder.get(), newest = 1));
    const Fd file(openat(folder.get(), name_of(newest).c_str(),
                         O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    // Others have filled several files since it was looked for.
    if (!file && errno == ENOENT) continue;
    if (!file) return last_error("openat");
    struct stat status;
    if (fstat(file.get(), &status) != 0) return last_error("fstat");
    if (static_cast<uint64_t>(status.st_size) >= kJournalFileBytes) {
      BERTH_TRY(follow_with(folder.get(), newest + 1));
      continue;
    }
    BERTH_TRY(write_all(file.get(), lines, size));
    // Taken away between the two calls, with what was written.
    if (fstat(file.get(), &status) != 0) return last_error("fstat");
    if (status.st_nlink > 0) return {};
  }
  return Error{EBUSY, "openat"};
}

}  // namespace berth::sys
