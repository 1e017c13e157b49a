#include "copy/report.h"

#include <sys/mman.h>

#include "sys/text.h"

namespace berth::copy {
namespace {

std::string clean(const char* text) {
  std::string cleaned(text);
  for (char& c : cleaned) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return cleaned;
}

std::string counts(uint64_t entries, uint64_t bytes) {
  return std::to_string(entries) + "\t" + std::to_string(bytes);
}

}  // namespace

void Report::fail(const sys::Error& error, const sys::Refusal& refusal) {
  trouble.there = true;
  trouble.number = error.number;
  sys::copy_text(trouble.path, refusal.path().c_str());
  if (refusal) {
    sys::copy_text(trouble.code, refusal.code().c_str());
    sys::copy_text(trouble.reason, refusal.reason().c_str());
  } else {
    sys::copy_text(trouble.call, error.call);
  }
}

Reports* share_reports() {
  void* shared =
      mmap(nullptr, sizeof(Reports), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  // Zeros are what an empty report is.
  return shared == MAP_FAILED ? nullptr : static_cast<Reports*>(shared);
}

std::string progress_line(const Report& counted) {
  return "progress\t" + counts(counted.entries, counted.moved) + "\n";
}

std::string done_line(const Reports& reports, const Report& counted) {
  const auto sum = [&](std::atomic<uint64_t> Report::*count) {
    return "\t" + std::to_string(reports.source.*count + reports.target.*count);
  };
  return "done\t" + counts(counted.entries, counted.bytes) + sum(&Report::sockets) +
         sum(&Report::devices) + sum(&Report::attributes) + "\n";
}

std::string failed_line(const char* side, const Trouble& trouble) {
  std::string line = std::string("failed\t") + side + "\t" + std::to_string(trouble.number);
  for (const char* text : {trouble.call, trouble.code, trouble.reason, trouble.path})
    line += "\t" + clean(text);
  return line + "\n";
}

}  // namespace berth::copy
