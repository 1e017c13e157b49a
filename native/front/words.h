// A command line as the JavaScript would understand it, or not at all: what is unusual is left to that.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::front {

using Words = std::vector<std::string>;

struct Flag {
  std::string_view name;  // without its dashes
  char letter = 0;
  bool value = false;
};

struct GivenFlag {
  const Flag* flag = nullptr;
  std::string value;
};

struct FlagWords {
  std::vector<GivenFlag> given;
  size_t rest = 0;  // the first word that is no flag

  bool has(std::string_view name) const;
  /// The last one counts.
  std::optional<std::string> last(std::string_view name) const;
};

/// Reads flags from word `from` on, up to the first word that is none. Nothing: one is not among `known`, or lacks its value.
std::optional<FlagWords> parse_flags(const Words& words, size_t from, std::span<const Flag> known);

/// Node makes something else of what is no UTF-8.
bool all_utf8(const Words& words);

}  // namespace berth::front
