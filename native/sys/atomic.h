// A number that two threads share. libstdc++'s <atomic> needs a hosted C library of its own kind, which musl is not.
#pragma once

namespace berth::sys {

/// Every access is sequentially consistent.
template <typename T>
class Atomic {
 public:
  explicit Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }
  void store(T value) { __atomic_store_n(&value_, value, __ATOMIC_SEQ_CST); }
  void add(T value) { __atomic_fetch_add(&value_, value, __ATOMIC_SEQ_CST); }

 private:
  T value_;
};

}  // namespace berth::sys
