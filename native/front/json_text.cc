#include "front/json_text.h"

namespace berth::front {

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\b':
        result += "\\b";
        break;
      case '\f':
        result += "\\f";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      default:
        if (byte < 0x20) {
          constexpr char kDigits[] = "0123456789abcdef";
          result += "\\u00";
          result += kDigits[byte >> 4];
          result += kDigits[byte & 15];
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

}  // namespace berth::front
