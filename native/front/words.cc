#include "front/words.h"

#include <simdjson.h>

#include <algorithm>

namespace berth::front {
namespace {

using std::string_view;

class Parser {
 public:
  Parser(const Words& words, size_t from, std::span<const Flag> known)
      : words_(words), known_(known), at_(from) {}

  std::optional<FlagWords> parse() {
    while (at_ < words_.size() && words_[at_].size() > 1 && words_[at_][0] == '-') {
      const std::string& word = words_[at_++];
      if (!(word[1] == '-' ? take_long(string_view(word).substr(2))
                           : take_letters(string_view(word).substr(1))))
        return {};
    }
    found_.rest = at_;
    return std::move(found_);
  }

 private:
  template <typename Fits>
  const Flag* find(Fits fits) const {
    const auto flag = std::find_if(known_.begin(), known_.end(), fits);
    return flag == known_.end() ? nullptr : &*flag;
  }

  bool take_long(string_view word) {
    const size_t equals = word.find('=');
    const string_view name = word.substr(0, equals);
    const Flag* flag = find([&](const Flag& each) { return each.name == name; });
    if (flag == nullptr || (equals != string_view::npos && !flag->value)) return false;
    if (!flag->value) return add(flag, "");
    return equals == string_view::npos ? add_next(flag) : add(flag, word.substr(equals + 1));
  }

  /// Several may share a dash, and what follows the letter of one that has a value is its value.
  bool take_letters(string_view letters) {
    for (; !letters.empty(); letters.remove_prefix(1)) {
      const Flag* flag = find([&](const Flag& each) { return each.letter == letters[0]; });
      if (flag == nullptr) return false;
      if (!flag->value)
        add(flag, "");
      else
        return letters.size() == 1 ? add_next(flag) : add(flag, letters.substr(1));
    }
    return true;
  }

  bool add_next(const Flag* flag) { return at_ < words_.size() && add(flag, words_[at_++]); }
  bool add(const Flag* flag, string_view value) {
    found_.given.push_back({flag, std::string(value)});
    return true;
  }

  const Words& words_;
  std::span<const Flag> known_;
  size_t at_;
  FlagWords found_;
};

}  // namespace

bool FlagWords::has(string_view name) const {
  return std::any_of(given.begin(), given.end(),
                     [&](const GivenFlag& each) { return each.flag->name == name; });
}

std::optional<std::string> FlagWords::last(string_view name) const {
  std::optional<std::string> found;
  for (const auto& each : given) {
    if (each.flag->name == name) found = each.value;
  }
  return found;
}

std::optional<FlagWords> parse_flags(const Words& words, size_t from, std::span<const Flag> known) {
  return Parser(words, from, known).parse();
}

bool all_utf8(const Words& words) {
  return std::all_of(words.begin(), words.end(), [](const std::string& word) {
    return simdjson::validate_utf8(word.data(), word.size());
  });
}

}  // namespace berth::front
