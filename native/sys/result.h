// The outcome of a kernel call: a value, or the errno and the name of the call that failed.
// Header only and free of exceptions and allocation, so that berth-init (musl, no libstdc++) shares it.
#pragma once

#include <cerrno>
#include <new>
#include <type_traits>
#include <utility>

namespace berth::sys {

/// errno (see errno(3)) and the name of the system call that set it; `call` must be a string literal.
struct [[nodiscard]] Error {
  int number = 0;
  const char* call = "";
};

/// The error that `call` has just left in errno.
inline Error last_error(const char* call) { return Error{errno, call}; }

/// Either a T or an Error. Reading the wrong side is a programming error and traps.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : ok_(true) { new (&storage_.value) T(std::move(value)); }
  Result(Error error) : ok_(false) { new (&storage_.error) Error(error); }
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      new (&storage_.value) T(std::move(other.storage_.value));
    } else {
      new (&storage_.error) Error(other.storage_.error);
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      this->~Result();
      new (this) Result(std::move(other));
    }
    return *this;
  }
  ~Result() {
    if (ok_) storage_.value.~T();
  }

  explicit operator bool() const { return ok_; }
  T& operator*() {
    check(ok_);
    return storage_.value;
  }
  T* operator->() { return &**this; }
  const Error& error() const {
    check(!ok_);
    return storage_.error;
  }

 private:
  static void check(bool holds) {
    if (!holds) __builtin_trap();
  }
  union Storage {
    Storage() {}
    ~Storage() {}
    T value;
    Error error;
  } storage_;
  bool ok_;
};

/// A call with nothing to return.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(error), ok_(false) {}
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    if (ok_) __builtin_trap();
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

/// Retries `attempt` while a signal interrupts it (signal(7): EINTR).
template <typename F>
auto retry_interrupted(F&& attempt) {
  for (;;) {
    auto outcome = attempt();
    if (outcome != -1 || errno != EINTR) return outcome;
  }
}

}  // namespace berth::sys

/// Leaves the calling function with the error of `expression`, if it has one.
#define BERTH_TRY(expression)                                \
  do {                                                       \
    if (auto berth_outcome = (expression); !berth_outcome) { \
      return berth_outcome.error();                          \
    }                                                        \
  } while (false)

#define BERTH_CONCAT_INNER(a, b) a##b
#define BERTH_CONCAT(a, b) BERTH_CONCAT_INNER(a, b)

/// `BERTH_ASSIGN(Fd fd, open_file(...))`: declares and fills, or leaves the calling function with the error.
#define BERTH_ASSIGN(declaration, expression)                \
  auto BERTH_CONCAT(berth_result_, __LINE__) = (expression); \
  if (!BERTH_CONCAT(berth_result_, __LINE__)) {              \
    return BERTH_CONCAT(berth_result_, __LINE__).error();    \
  }                                                          \
  declaration = std::move(*BERTH_CONCAT(berth_result_, __LINE__))
