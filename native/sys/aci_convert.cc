#include "sys/aci_convert.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_set>

#include "sys/blob_job.h"
#include "sys/blob_sink.h"
#include "sys/sha512.h"
#include "sys/tar_writer.h"

namespace berth::sys {
namespace {

/// Hashes what passes.
class HashedSource : public ByteSource {
 public:
  explicit HashedSource(ByteSource& source) : source_(source) {}
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    auto bytes = source_.take(at_most);
    if (bytes) hash_.update(*bytes);
    return bytes;
  }
  std::string hex() { return hash_.hex(); }

 private:
  ByteSource& source_;
  Sha512 hash_;
};

/// `a/b` from `./a//b/`; nothing when it has `..` in it.
std::optional<std::string> clean_name(std::string_view name) {
  std::string clean;
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return std::nullopt;
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

constexpr std::string_view kRoot = "rootfs", kManifest = "manifest", kWhiteout = ".wh.";

/// What of the archive's names goes into the layer.
class Selection {
 public:
  explicit Selection(const std::optional<std::vector<std::string>>& kept) : all_(!kept) {
    if (all_) return;
    for (const auto& path : *kept) {
      listed_.insert(path);
      for (size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1))
        above_.insert(path.substr(0, at));
    }
  }

  bool has(const std::string& path, TarType type) const {
    return all_ || listed_.contains(path) || (type == TarType::kDirectory && above_.contains(path));
  }

 private:
  const bool all_;
  std::unordered_set<std::string> listed_, above_;
};

class Conversion {
 public:
  Conversion(TarReader& archive, TarWriter& layer, const AciRequest& request, Refusal& refusal)
      : archive_(archive),
        layer_(layer),
        selection_(request.kept),
        manifest_bytes_(request.manifest_bytes),
        refusal_(refusal) {}

  Result<void> run() {
    TarEntry entry;
    for (;;) {
      BERTH_ASSIGN(const bool more, archive_.next(entry));
      if (!more) break;
      if (auto outcome = take(entry); !outcome) {
        refusal_.at(entry.name);
        return outcome;
      }
    }
    if (!manifest_) return refuse("it has no file 'manifest'");
    if (!has_root_) return refuse("it has no directory 'rootfs'");
    return layer_.finish();
  }

  std::string take_manifest() { return std::move(*manifest_); }

 private:
  Error refuse(std::string reason) { return refusal_.refuse("BAD_TAR", std::move(reason)); }

  Result<void> take(TarEntry& entry) {
    const auto name = clean_name(entry.name);
    if (!name) return refusal_.refuse("ESCAPE_ATTEMPT", "its name has '..' in it");
    if (name->empty()) {
      if (entry.type == TarType::kDirectory)
        return {};  // the archive's own root, as `tar -C DIR .` writes it
      return refuse("it has no name");
    }
    if (!seen_.insert(std::hash<std::string>{}(*name)).second)
      return refuse("the name is there twice");
    if (*name == kManifest) return take_manifest_file(entry);
    if (*name == kRoot) {
      if (entry.type != TarType::kDirectory) return refuse("'rootfs' is not a directory");
      has_root_ = true;
      return write(entry, "./");
    }
    if (!name->starts_with(kRoot) || (*name)[kRoot.size()] != '/')
      return refuse("an image has 'manifest' and 'rootfs', and nothing beside them");
    return take_file(entry, name->substr(kRoot.size() + 1));
  }

  Result<void> take_manifest_file(const TarEntry& entry) {
    if (entry.type != TarType::kFile || entry.sparse)
      return refuse("'manifest' is not a regular file");
    if (entry.size > manifest_bytes_) {
      return refusal_.refuse("LIMIT_EXCEEDED",
                             "a manifest may have " + std::to_string(manifest_bytes_) + " bytes");
    }
    manifest_.emplace();
    for (;;) {
      BERTH_ASSIGN(const std::span<const uint8_t> bytes, archive_.data());
      if (bytes.empty()) return {};
      manifest_->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }

  Result<void> take_file(TarEntry& entry, const std::string& path) {
    // appc has no whiteouts; in a layer the file would be one.
    const size_t slash = path.rfind('/');
    const auto base = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
    if (base.starts_with(kWhiteout)) return refuse("files cannot be called .wh. in an image");
    if (!selection_.has(path, entry.type)) return {};
    if (entry.type == TarType::kHardLink) {
      const auto target = clean_name(entry.link);
      if (!target) return refusal_.refuse("ESCAPE_ATTEMPT", "its link has '..' in it");
      if (!target->starts_with(kRoot) || target->size() <= kRoot.size() + 1 ||
          (*target)[kRoot.size()] != '/')
        return refusal_.refuse("ESCAPE_ATTEMPT",
                               "it is a hard link to something outside of 'rootfs'");
      entry.link = target->substr(kRoot.size() + 1);
      if (!selection_.has(entry.link, TarType::kFile))
        return refuse("it is a hard link to '" + entry.link +
                      "', which the pathWhitelist leaves out");
    }
    return write(entry, entry.type == TarType::kDirectory ? path + "/" : path);
  }

  Result<void> write(TarEntry& entry, std::string name) {
    const std::string given = std::move(entry.name);
    entry.name = std::move(name);
    auto written = copy(entry);
    entry.name = given;
    return written;
  }

  Result<void> copy(const TarEntry& entry) {
    BERTH_TRY(layer_.begin(entry));
    if (entry.type != TarType::kFile) return {};
    for (;;) {
      BERTH_ASSIGN(const std::span<const uint8_t> bytes, archive_.data());
      if (bytes.empty()) break;
      BERTH_TRY(layer_.data(bytes));
    }
    return layer_.end();
  }

  TarReader& archive_;
  TarWriter& layer_;
  const Selection selection_;
  const uint64_t manifest_bytes_;
  Refusal& refusal_;
  std::optional<std::string> manifest_;
  bool has_root_ = false;
  // Hashes: whoever makes two names collide is only refused.
  std::unordered_set<size_t> seen_;
};

}  // namespace

Result<AciFacts> convert_aci(int aci, int layer, const AciRequest& request, Refusal& refusal) {
  AciFacts facts;
  const auto convert = [&](ByteSource& source, Refusal& refused) -> Result<void> {
    HashedSource hashed(source);
    TarReader archive(hashed, request.tar_limits, refused);
    BlobSink sink(layer, request.compression);
    TarWriter writer(sink);
    Conversion conversion(archive, writer, request, refused);
    BERTH_TRY(conversion.run());
    // What follows the archive's end counts for its id.
    BERTH_TRY(drain(hashed));
    facts.manifest = conversion.take_manifest();
    facts.sha512 = hashed.hex();
    BERTH_ASSIGN(facts.layer, sink.finish());
    return {};
  };
  BERTH_TRY(
      consume_blob(aci, -1, request.expected, request.blob_limits, convert, refusal, facts.image));
  return facts;
}

}  // namespace berth::sys
