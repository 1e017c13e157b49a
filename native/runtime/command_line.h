// The command line that callers of OCI runtimes use: global flags, a verb, flags of the verb, arguments.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace berth::runtime {

/// One flag by its long name, with what it may be called besides; `value`: it takes one, after `=` or as the next word.
struct Flag {
  const char* name;
  const char* shorthand = "";
  bool value = false;
};

class CommandLine {
 public:
  /// Takes flags from the front of `words` until the first word that is none; with `mixed`, wherever they stand up to `--`. Throws Trouble for one that is not known.
  static CommandLine parse(const std::vector<std::string>& words, const std::vector<Flag>& flags,
                           bool mixed);

  bool has(const std::string& name) const { return values_.contains(name); }
  std::string get(const std::string& name, const std::string& fallback = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second.back();
  }
  /// Of a flag that may be given more than once.
  std::vector<std::string> all(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
  }
  const std::vector<std::string>& rest() const { return rest_; }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> rest_;
};

}  // namespace berth::runtime
