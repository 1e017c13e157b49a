#include "sys/layer_rules.h"

#include <algorithm>
#include <string_view>

#include "sys/defence.h"

namespace berth::sys {
namespace {

constexpr std::string_view kWhiteout = ".wh.", kOpaque = ".wh..wh..opq";

}  // namespace

SplitPath split_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<std::string> LayerRules::clean(const std::string& name, const char* what) {
  std::string path;
  uint64_t depth = 0;
  for (size_t start = 0; start < name.size();) {
    const size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = std::string_view(name).substr(start, end - start);
    start = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == ".." && holds("paths-in-layers"))
      return refusal_.refuse("ESCAPE_ATTEMPT", std::string(what) + " has '..' in it");
    if (++depth > limits_.depth) {
      return refusal_.refuse("LIMIT_EXCEEDED", std::string(what) + " is deeper than " +
                                                   std::to_string(limits_.depth) + " folders");
    }
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

Result<LayerEntry> LayerRules::check(const TarEntry& entry) {
  ++counts_.entries;
  LayerEntry checked;
  BERTH_ASSIGN(checked.path, clean(entry.name, "its name"));
  if (entry.uid >= limits_.ids || entry.gid >= limits_.ids) {
    return refusal_.refuse("ID_OUT_OF_RANGE", "its owner " + std::to_string(entry.uid) + ":" +
                                                  std::to_string(entry.gid) + " is outside 0 to " +
                                                  std::to_string(limits_.ids - 1) +
                                                  ", the ids a container has");
  }
  if (checked.path.empty()) {
    if (entry.type != TarType::kDirectory) {
      return refusal_.refuse(
          "ESCAPE_ATTEMPT",
          "it would replace the image's root by something that is not a directory");
    }
    checked.kind = LayerEntry::Kind::kRoot;
    return checked;
  }
  SplitPath split = split_path(checked.path);
  checked.parent = std::move(split.parent);
  checked.name = std::move(split.name);
  if (checked.parent.starts_with(kWhiteout) || checked.parent.find("/.wh.") != std::string::npos)
    return refusal_.refuse("BAD_TAR", "a whiteout has something below it");
  if (checked.name.starts_with(kWhiteout)) {
    if (entry.type != TarType::kFile && entry.type != TarType::kHardLink)
      return refusal_.refuse("BAD_TAR", "a whiteout is not a file");
    ++counts_.whiteouts;
    checked.kind = LayerEntry::Kind::kOpaque;
    if (checked.name == kOpaque) return checked;
    checked.kind = LayerEntry::Kind::kWhiteout;
    checked.name.erase(0, kWhiteout.size());
    if (holds("whiteout-names") &&
        (checked.name.empty() || checked.name == "." || checked.name == ".."))
      return refusal_.refuse("BAD_TAR", "a whiteout names nothing");
    if (checked.name.starts_with(kWhiteout))
      return refusal_.refuse("BAD_TAR", "an unknown kind of whiteout");
  } else if (entry.type == TarType::kDevice) {
    ++counts_.devices_skipped;
    checked.kind = LayerEntry::Kind::kLeftOut;
  }
  return checked;
}

Result<void> LayerRules::count_file(const TarEntry& entry) {
  uint64_t stored = entry.sparse ? 0 : entry.size;
  for (const SparsePart& part : entry.parts) stored += part.length;
  counts_.file_bytes += stored;
  if (stored > limits_.bytes || counts_.file_bytes > limits_.bytes) {
    return refusal_.refuse("LIMIT_EXCEEDED",
                           "its files have more than " + std::to_string(limits_.bytes) + " bytes");
  }
  return {};
}

}  // namespace berth::sys
