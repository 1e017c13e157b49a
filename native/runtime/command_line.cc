#include "runtime/command_line.h"

#include <algorithm>

#include "runtime/trouble.h"

namespace berth::runtime {

CommandLine CommandLine::parse(const std::vector<std::string>& words,
                               const std::vector<Flag>& flags, bool mixed) {
  CommandLine line;
  for (size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    const bool is_flag = word.size() > 1 && word[0] == '-';
    if (word == "--" || (!is_flag && !mixed)) {
      line.rest_.insert(line.rest_.end(), words.begin() + static_cast<long>(at + (word == "--")),
                        words.end());
      return line;
    }
    if (!is_flag) {
      line.rest_.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    // Go's flag package, which some callers were written for, takes one dash for two.
    const std::string given = word.substr(0, equals);
    const std::string name = given.substr(given.find_first_not_of('-') == 1 ? 1 : 2);
    const auto flag = std::find_if(flags.begin(), flags.end(), [&](const Flag& each) {
      return name == each.name || (name == each.shorthand && !name.empty());
    });
    if (flag == flags.end()) throw Trouble("unknown flag " + given);
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (flag->value) {
      if (++at == words.size()) throw Trouble("flag " + given + " needs a value");
      value = words[at];
    }
    if (!flag->value && equals != std::string::npos && value != "true" && value != "false")
      throw Trouble("flag " + given + " takes no value");
    if (!flag->value && value == "false") {
      line.values_.erase(flag->name);
    } else {
      line.values_[flag->name].push_back(value);
    }
  }
  return line;
}

}  // namespace berth::runtime
