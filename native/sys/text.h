// Short text put together in place: paths, numbers, records. Without printf, whose code is larger than all of berth-init's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace berth::sys {

/// `count` bytes that need not end in NUL.
struct Piece {
  const char* bytes;
  size_t count;
};

/// A number with leading zeros.
struct Padded {
  uint64_t value;
  size_t width;
};

/// What all sizes of Text share, so that their code exists once.
class TextBase {
 public:
  void add(const char* text) { add(Piece{text, strlen(text)}); }
  void add(char character) { add(Piece{&character, 1}); }
  void add(Piece piece) {
    const size_t room = most_ - size_;
    if (piece.count > room) whole_ = false;
    const size_t count = piece.count < room ? piece.count : room;
    memcpy(text_ + size_, piece.bytes, count);
    size_ += count;
    text_[size_] = '\0';
  }
  void add(Padded number) {
    char digits[20];
    size_t used = sizeof digits;
    do {
      digits[--used] = static_cast<char>('0' + number.value % 10);
      number.value /= 10;
    } while (number.value != 0 || sizeof digits - used < number.width);
    add(Piece{digits + used, sizeof digits - used});
  }
  void add(const TextBase& text) { add(Piece{text.text_, text.size_}); }
  template <typename Number>
  std::enable_if_t<std::is_integral_v<Number> && !std::is_same_v<Number, char>> add(Number number) {
    if constexpr (std::is_signed_v<Number>) {
      if (number < 0) add('-');
      add(Padded{number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number),
                 1});
    } else {
      add(Padded{number, 1});
    }
  }

  const char* c_str() const { return text_; }
  size_t size() const { return size_; }
  bool whole() const { return whole_; }

 protected:
  TextBase(char* text, size_t most) : text_(text), most_(most) { text_[0] = '\0'; }
  TextBase(const TextBase&) = delete;
  TextBase& operator=(const TextBase&) = delete;
  ~TextBase() = default;

 private:
  char* text_;
  size_t most_, size_ = 0;
  bool whole_ = true;
};

/// Room for N - 1 characters and a NUL. What does not fit is cut off, and `whole` says so: a caller for whom that matters asks.
template <size_t N>
class Text : public TextBase {
 public:
  template <typename... Parts>
  explicit Text(const Parts&... parts) : TextBase(room_, N - 1) {
    (add(parts), ...);
  }
  Text(const Text& other) : TextBase(room_, N - 1) { add(static_cast<const TextBase&>(other)); }
  Text& operator=(const Text&) = delete;

 private:
  char room_[N];
};

/// Copies as much as fits, always ending in NUL.
template <size_t N>
void copy_text(char (&to)[N], const char* from) {
  const size_t length = strlen(from);
  const size_t count = length < N - 1 ? length : N - 1;
  memcpy(to, from, count);
  to[count] = '\0';
}

/// The number at the start of `text`; 0 when there is none. Wraps around as unsigned numbers do.
inline uint64_t leading_number(const char* text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    value = value * 10 + static_cast<uint64_t>(*text - '0');
  return value;
}

}  // namespace berth::sys
