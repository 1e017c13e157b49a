#include "front/recipe.h"

#include <sys/stat.h>

#include "front/conditions.h"
#include "front/json_text.h"
#include "launch/json.h"
#include "sys/fd.h"
#include "sys/sha256.h"

namespace berth::front {
namespace {

using launch::Faults;
using launch::Json;
using std::string_view;
using sys::Fd;

constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kDigestDigits = 64;
/// The words of the command after those of an entry point.
constexpr char kFurtherArgs[] = ",args";

std::string joined(const Words& words, bool after_others) {
  std::string list;
  for (const std::string& word : words) {
    if (after_others || !list.empty()) list += ',';
    list += json_string(word);
  }
  return list;
}

/// Only its owner may have had a hand in it.
bool is_ours(int file, mode_t others) {
  struct stat status;
  return fstat(file, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & others) == 0;
}

std::string digest_of(string_view bytes) {
  sys::Sha256 digest;
  digest.update({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return digest.hex();
}

std::string file_name(const Roots& roots, const Words& words) {
  std::string key = roots.root + '\0' + roots.state + '\0';
  for (const std::string& word : words) key += word + '\0';
  return digest_of(key);
}

/// Folder by folder, each looked at before what lies in it is believed.
Fd open_folder(const Roots& roots) {
  Fd folder(open(roots.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* name : {"cache", "recipes"}) {
    if (!folder || !is_ours(folder.get(), 022)) return Fd();
    folder.reset(openat(folder.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return folder && is_ours(folder.get(), 022) ? std::move(folder) : Fd();
}

/// What follows the digest at its start, if it is the digest of that.
std::optional<std::string> read_verified(const Roots& roots, const std::string& name) {
  const Fd folder = open_folder(roots);
  if (!folder) return {};
  const Fd file(openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  constexpr size_t kDigest = kDigestDigits / 2;
  if (!file || !is_ours(file.get(), 077) || fstat(file.get(), &status) != 0 ||
      !S_ISREG(status.st_mode))
    return {};
  const auto size = static_cast<size_t>(status.st_size);
  if (size <= kDigest || size > kMostBytes) return {};
  std::string bytes(size, '\0');
  if (pread(file.get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) return {};
  std::string stated;
  for (size_t i = 0; i < kDigest; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(bytes[i]);
    stated += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  bytes.erase(0, kDigest);
  if (digest_of(bytes) != stated) return {};
  return bytes;
}

std::vector<std::string> texts(const Json& array) {
  std::vector<std::string> list;
  array.each([&](const Json& item) { list.emplace_back(item.text()); });
  return list;
}

Recipe read_recipe(const Json& json) {
  Recipe recipe;
  recipe.image = std::string(json["image"].required_text());
  recipe.remove = json["remove"].boolean();
  recipe.sized = json["sized"].boolean();
  const Json ids = json["ids"];
  recipe.ids = {std::string(ids["file"].required_text()), ids["first"].id(), ids["size"].id(),
                ids["count"].id()};
  recipe.scope = std::string(json["scope"].text());
  recipe.supervisors = std::string(json["supervisors"].text());
  recipe.shared = texts(json["shared"]);
  recipe.mounted = texts(json["mounted"]);
  recipe.layer_locks = texts(json["layer_locks"]);
  recipe.default_args = texts(json["default_args"]);
  const Json documents = json["documents"];
  recipe.config = texts(documents["config"]);
  recipe.launch = texts(documents["launch"]);
  recipe.container = texts(documents["container"]);
  recipe.request = texts(documents["request"]);
  return recipe;
}

}  // namespace

bool Recipe::has_command() const {
  if (!default_args.empty()) return true;
  for (size_t i = 1; i < config.size(); i += 2) {
    if (config[i] == kFurtherArgs) return true;
  }
  return false;
}

std::optional<std::string> fill(const Template& pieces, const SlotValues& values,
                                const Words& args) {
  if (pieces.size() % 2 == 0) return {};
  std::string text;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string& piece = pieces[i];
    if (i % 2 == 0)
      text += piece;
    else if (piece == "id")
      text += values.id;
    else if (piece == "created_at")
      text += values.created_at;
    else if (piece == "first_id")
      text += std::to_string(values.first_id);
    else if (piece == "height")
      text += std::to_string(values.height);
    else if (piece == "width")
      text += std::to_string(values.width);
    else if (piece == "args" || piece == kFurtherArgs)
      text += joined(args, piece == kFurtherArgs);
    else
      return {};
  }
  return text;
}

std::optional<Recipe> find_recipe(const std::string& installation, const Roots& roots,
                                  const Words& words) {
  const auto text = read_verified(roots, file_name(roots, words));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (!text || parser.parse(*text).get(document) != simdjson::SUCCESS) return {};
  Faults faults;
  const Json json(document, "", faults);
  if (json["format"].integer(0, INT32_MAX) != 1) return {};
  if (json["build"].text() != code_identity(installation)) return {};
  if (!conditions_hold(json["conditions"])) return {};
  Recipe recipe = read_recipe(json);
  if (faults.any()) return {};
  return recipe;
}

}  // namespace berth::front
