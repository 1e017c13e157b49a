// Writing JSON.
#pragma once

#include <string>
#include <string_view>

namespace berth::runtime {

/// `text` as a JSON string, quotes included.
inline std::string json_string(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '"' || c == '\\' || byte == 0x7f) {
      result += "\\u00";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

/// Puts members together: `member("a", "1")` gives `{"a":1}` in the end.
class JsonObject {
 public:
  /// `value` is JSON already.
  JsonObject& member(std::string_view name, const std::string& value) {
    text_ += (text_.size() > 1 ? "," : "") + json_string(name) + ":" + value;
    return *this;
  }
  std::string text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

}  // namespace berth::runtime
