#include "sys/tar_pax.h"

#include <limits>
#include <string_view>

namespace berth::sys {
namespace {

constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Names and links become paths and C strings; only values of extended attributes may hold any
/// byte.
bool may_hold_nul(const std::string& key) { return key.starts_with("SCHILY.xattr."); }

}  // namespace

Result<void> PaxRecords::parse(std::span<const char> text, Refusal& refusal) {
  while (!text.empty()) {
    uint64_t length = 0;
    size_t digits = 0;
    for (; digits < text.size() && is_digit(text[digits]); ++digits) {
      length = length * 10 + static_cast<uint64_t>(text[digits] - '0');
      if (length > text.size())
        return refusal.refuse("BAD_TAR", "a pax record is longer than its header");
    }
    if (digits == 0 || digits >= text.size() || text[digits] != ' ' || length < digits + 3 ||
        text[length - 1] != '\n') {
      return refusal.refuse("BAD_TAR", "a pax record is malformed");
    }
    const std::string body(text.data() + digits + 1, length - digits - 2);
    const size_t equals = body.find('=');
    if (equals == std::string::npos || equals == 0)
      return refusal.refuse("BAD_TAR", "a pax record has no key");
    BERTH_TRY(add(body.substr(0, equals), body.substr(equals + 1), refusal));
    text = text.subspan(length);
  }
  if (sparse_offset_) return refusal.refuse("BAD_TAR", "a sparse map ends in the middle of a pair");
  return {};
}

Result<void> PaxRecords::add(std::string key, std::string value, Refusal& refusal) {
  if (key.find('\0') != std::string::npos ||
      (!may_hold_nul(key) && value.find('\0') != std::string::npos)) {
    return refusal.refuse("BAD_TAR", "a pax record holds a NUL byte");
  }
  bytes_ += key.size() + value.size();
  if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
    const auto number = pax_number(value);
    const bool is_offset = key == "GNU.sparse.offset";
    if (!number || is_offset == sparse_offset_.has_value())
      return refusal.refuse("BAD_TAR", "a sparse map is malformed");
    if (is_offset) {
      sparse_offset_ = number;
    } else {
      sparse_parts_.push_back({*sparse_offset_, *number});
      sparse_offset_.reset();
    }
    return {};
  }
  records_[std::move(key)] = std::move(value);
  return {};
}

void PaxRecords::clear() {
  records_.clear();
  sparse_parts_.clear();
  sparse_offset_.reset();
  bytes_ = 0;
}

const std::string* PaxRecords::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

std::optional<uint64_t> pax_number(const std::string& text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (kMost - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<timespec> pax_time(const std::string& text) {
  const bool negative = text.starts_with('-');
  const size_t point = text.find('.');
  const size_t start = negative ? 1 : 0;
  const auto whole =
      pax_number(text.substr(start, point == std::string::npos ? point : point - start));
  if (!whole) return std::nullopt;
  long fraction = 0;
  if (point != std::string::npos) {
    long scale = 100'000'000;
    for (size_t i = point + 1; i < text.size(); ++i) {
      if (!is_digit(text[i])) return std::nullopt;
      fraction += scale * (text[i] - '0');
      scale /= 10;
    }
  }
  auto seconds = static_cast<time_t>(*whole);
  if (negative) {
    seconds = -seconds;
    if (fraction > 0) {
      seconds -= 1;
      fraction = 1'000'000'000 - fraction;
    }
  }
  return timespec{seconds, fraction};
}

std::optional<std::string> percent_decoded(const std::string& text) {
  const auto digit = [](char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]), low = digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::optional<std::string> base64_decoded(const std::string& text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n') continue;
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xff);
    }
  }
  return out;
}

}  // namespace berth::sys
