// Turns the `linux.seccomp` of config.json into a BPF program, once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "launch/failure.h"
#include "launch/filter_program.h"
#include "launch/json.h"

namespace berth::launch {

/// Compiled profiles, kept in memory and in a folder: compiling takes libseccomp some milliseconds, loading what it made some microseconds.
class SeccompCache {
 public:
  /// `directory` holds one file for each profile, named by the digest of all that decides the program. A file that is damaged, or not root's
  /// alone, is compiled anew. The folder is made if missing; without it (empty) only memory keeps.
  std::variant<SeccompProgram, Failure> compile(const Json& profile, const std::string& directory);

  /// The same of a profile as text, which is not read again if it was met before. A fault in it is added to `faults`.
  std::variant<SeccompProgram, Failure> compile_text(const std::string& profile, Faults& faults,
                                                     const std::string& directory);

 private:
  std::mutex mutex_;
  std::map<std::string, SeccompProgram> known_;
  /// By the profile's text. A process meets a handful of them.
  static constexpr size_t kMostTexts = 16;
  std::vector<std::pair<std::string, SeccompProgram>> texts_;
};

}  // namespace berth::launch
