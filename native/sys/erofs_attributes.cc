#include "sys/erofs_attributes.h"

#include <string_view>

#include "sys/erofs_format.h"

namespace berth::sys {
namespace {

struct Prefix {
  std::string_view text;
  uint8_t index;
  bool whole;  // the name has nothing behind it
};
constexpr Prefix kPrefixes[] = {{"user.", 1, false},
                                {"system.posix_acl_access", 2, true},
                                {"system.posix_acl_default", 3, true},
                                {"trusted.", 4, false},
                                {"security.", 6, false}};

const Prefix* prefix_of(const std::string& name) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.whole ? name == prefix.text
                     : name.starts_with(prefix.text) && name.size() > prefix.text.size())
      return &prefix;
  }
  return nullptr;
}

/// Version 2 of acl(5) in an attribute: a word, then eight bytes for each entry (linux/posix_acl_xattr.h). Any other file system
/// would have the kernel look at it before it is kept.
bool is_access_list(const std::string& value) {
  constexpr size_t kHeader = 4, kEntry = 8;
  return value.size() >= kHeader && (value.size() - kHeader) % kEntry == 0 &&
         std::string_view(value).substr(0, kHeader) == std::string_view("\2\0\0\0", kHeader);
}

template <typename T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

size_t words_of(const std::string& xattrs) {
  return xattrs.empty() ? 0 : (xattrs.size() - sizeof(erofs::XattrHeader)) / 4 + 1;
}

}  // namespace

bool erofs_has_xattr(const std::string& name) { return prefix_of(name) != nullptr; }

Result<std::string> erofs_xattrs(const Xattrs& xattrs, Refusal& refusal) {
  std::string out;
  if (xattrs.empty()) return out;
  append(out, erofs::XattrHeader{});
  for (const auto& [name, value] : xattrs) {
    const Prefix* prefix = prefix_of(name);
    if (prefix == nullptr) return Error{ENOTSUP, "setxattr"};
    if (prefix->whole && !is_access_list(value))
      return refusal.refuse("BAD_TAR", "an access list is malformed");
    const std::string_view rest = std::string_view(name).substr(prefix->text.size());
    if (rest.size() > erofs::kLongestXattrName || value.size() > erofs::kLongestXattrValue)
      return refusal.refuse("NO_IMAGE", "an extended attribute is too long");
    append(out, erofs::XattrEntry{static_cast<uint8_t>(rest.size()), prefix->index,
                                  static_cast<uint16_t>(value.size())});
    out += rest;
    out += value;
    out.resize((out.size() + 3) & ~size_t{3});
  }
  if (words_of(out) > erofs::kMostXattrWords)
    return refusal.refuse("NO_IMAGE", "it has too many extended attributes");
  return out;
}

uint16_t erofs_xattr_words(const std::string& xattrs) {
  return static_cast<uint16_t>(words_of(xattrs));
}

}  // namespace berth::sys
