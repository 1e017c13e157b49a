// The names of an EROFS image while it is made. What is not a directory lies in the image's file already; directories are written
// last, when everything in them is known.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sys/erofs_attributes.h"
#include "sys/erofs_file.h"
#include "sys/erofs_format.h"

namespace berth::sys {

struct ErofsDirectory;

struct ErofsNode {
  erofs::FileType type = erofs::FileType::kRegular;
  /// Hides what the layers below have by its name (overlayfs's 0:0).
  bool whiteout = false;
  uint32_t links = 1;                         // names, of what is not a directory
  uint64_t inode = 0;                         // in slots from the image's start
  std::unique_ptr<std::string> link;          // of a symbolic link: its text
  std::unique_ptr<ErofsDirectory> directory;  // of a directory alone

  bool is_directory() const { return directory != nullptr; }
};

struct ErofsDirectory {
  ErofsAttributes attributes;
  /// Hides what the layers below have in it.
  bool opaque = false;
  std::map<std::string, std::shared_ptr<ErofsNode>> children;

  std::shared_ptr<ErofsNode> find(const std::string& name) const {
    const auto found = children.find(name);
    return found == children.end() ? nullptr : found->second;
  }
};

class ErofsTree {
 public:
  using Node = std::shared_ptr<ErofsNode>;
  /// `memory`: for names and directories; beyond it NO_IMAGE is refused.
  ErofsTree(int file, uint64_t memory, Refusal& refusal);

  const Node& root() const { return root_; }
  ErofsFile& file() { return file_; }

  static Node new_directory(ErofsAttributes attributes);
  Result<Node> new_file(const ErofsAttributes& attributes, ErofsContent content);
  Result<Node> new_symlink(const ErofsAttributes& attributes, const std::string& link);
  Result<Node> new_fifo(const ErofsAttributes& attributes);
  Result<Node> new_whiteout();

  /// Gives it a name that is free. Refuses with NO_IMAGE; ENAMETOOLONG.
  Result<void> add(ErofsNode& parent, const std::string& name, Node node);
  /// The name need not be there.
  static void remove(ErofsNode& parent, const std::string& name);

  /// Writes all directories and the superblock with that identity (16 bytes). The file is complete then.
  Result<void> finish(const std::string& uuid);

 private:
  struct Placed;
  /// The next one; size, place and links are still to be said.
  erofs::Inode new_inode(erofs::Layout layout, const ErofsAttributes& attributes,
                         const std::string& xattrs);
  Result<Node> put_inode(erofs::FileType type, const ErofsAttributes& attributes,
                         ErofsContent content);
  Result<void> write_inode(uint64_t at, const erofs::Inode& inode, const std::string& xattrs,
                           const std::string& tail);
  Result<std::vector<Placed>> place_directories();
  Result<void> write_directory(const Placed& placed);
  Result<void> write_links();

  Refusal& refusal_;
  ErofsFile file_;
  Node root_;
  const uint64_t most_memory_;
  uint64_t memory_ = 0;
  uint64_t inodes_ = 0;
  bool has_chunks_ = false;
};

}  // namespace berth::sys
