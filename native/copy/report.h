// What the two halves of a copy tell the process that started them: memory that all three share.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "sys/refusal.h"

namespace berth::copy {

struct Trouble {
  bool there = false;
  int number = 0;    // errno(3)
  char call[32];     // the system call
  char code[32];     // of content that was refused; else empty
  char reason[256];  // the same in words
  char path[4096];   // where; empty: not known
};

/// One half's.
struct Report {
  std::atomic<uint64_t> entries, bytes;
  std::atomic<uint64_t> moved;                         // bytes of the archive so far
  std::atomic<uint64_t> sockets, devices, attributes;  // left out
  Trouble trouble;

  void fail(const sys::Error& error, const sys::Refusal& refusal);
};

struct Reports {
  Report source, target;
};

/// Null: no memory.
Reports* share_reports();

/// One line of JSON-free text: fields between tabs, control characters of names as `?`, so that none reaches a terminal.
std::string progress_line(const Report& counted);
std::string done_line(const Reports& reports, const Report& counted);
std::string failed_line(const char* side, const Trouble& trouble);

}  // namespace berth::copy
