// pax extended headers (POSIX.1-2017 pax(1), "pax Extended Header") and what GNU tar, libarchive
// and schily put in them.
#pragma once

#include <ctime>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sys/refusal.h"

namespace berth::sys {

/// A run of stored bytes of a sparse file and where it belongs in the file.
struct SparsePart {
  uint64_t offset, length;
};

/// The records of one `x` header, or the standing ones of `g` headers. An empty value takes a
/// standing record away.
class PaxRecords {
 public:
  /// Adds the records of a header's text: `LENGTH KEY=VALUE\n`, byte-exact. Refuses with BAD_TAR.
  Result<void> parse(std::span<const char> text, Refusal& refusal);
  void clear();
  size_t bytes() const { return bytes_; }

  const std::string* find(const std::string& key) const;
  const std::map<std::string, std::string>& all() const { return records_; }
  /// GNU sparse 0.0 repeats its keys, so their order matters and they are kept apart.
  const std::vector<SparsePart>& sparse_parts() const { return sparse_parts_; }

 private:
  Result<void> add(std::string key, std::string value, Refusal& refusal);

  std::map<std::string, std::string> records_;
  std::vector<SparsePart> sparse_parts_;
  std::optional<uint64_t> sparse_offset_;
  size_t bytes_ = 0;
};

/// Decimal, with nothing around it, at most 63 bits.
std::optional<uint64_t> pax_number(const std::string& text);
/// Seconds with an optional fraction, as pax states times; digits finer than nanoseconds are
/// dropped.
std::optional<timespec> pax_time(const std::string& text);
/// LIBARCHIVE.xattr: the name is %-encoded, the value base64.
std::optional<std::string> percent_decoded(const std::string& text);
std::optional<std::string> base64_decoded(const std::string& text);

}  // namespace berth::sys
