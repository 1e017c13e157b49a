#include "sys/erofs_tree.h"

#include <sys/stat.h>

#include <cstring>

namespace berth::sys {
namespace {

using erofs::FileType;
using erofs::Inode;
using erofs::Layout;

constexpr uint16_t kExtendedForm = 1;

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

ErofsTree::ErofsTree(int file, uint64_t memory, Refusal& refusal)
    : refusal_(refusal), file_(file, refusal), most_memory_(memory) {
  root_ = new_directory({S_IFDIR | 0755, 0, 0, {}, {}});
}

ErofsTree::Node ErofsTree::new_directory(ErofsAttributes attributes) {
  auto node = std::make_shared<ErofsNode>();
  node->type = FileType::kDirectory;
  node->directory = std::make_unique<ErofsDirectory>();
  node->directory->attributes = std::move(attributes);
  return node;
}

Inode ErofsTree::new_inode(Layout layout, const ErofsAttributes& attributes,
                           const std::string& xattrs) {
  Inode inode{};
  inode.format = static_cast<uint16_t>(kExtendedForm | static_cast<unsigned>(layout) << 1);
  inode.xattr_words = erofs_xattr_words(xattrs);
  inode.mode = static_cast<uint16_t>(attributes.mode);
  inode.number = static_cast<uint32_t>(++inodes_);
  inode.uid = attributes.uid;
  inode.gid = attributes.gid;
  inode.seconds = attributes.mtime.tv_sec;
  inode.nanoseconds = static_cast<uint32_t>(attributes.mtime.tv_nsec);
  return inode;
}

Result<ErofsTree::Node> ErofsTree::put_inode(FileType type, const ErofsAttributes& attributes,
                                             ErofsContent content) {
  BERTH_ASSIGN(const std::string xattrs, erofs_xattrs(attributes.xattrs, refusal_));
  const uint64_t fixed = sizeof(Inode) + xattrs.size();
  if (!content.tail.empty() && !ErofsFile::fits(fixed, content.tail.size()))
    BERTH_TRY(file_.unfold_tail(content));
  std::string tail = std::move(content.tail);
  Layout layout = tail.empty() ? Layout::kPlain : Layout::kInline;
  uint32_t place = content.block;
  if (!content.chunks.empty()) {
    layout = Layout::kChunks;
    place = content.chunk_form;
    tail.assign(reinterpret_cast<const char*>(content.chunks.data()),
                content.chunks.size() * sizeof content.chunks[0]);
    has_chunks_ = true;
  }
  const bool whole = layout == Layout::kInline;
  Inode inode = new_inode(layout, attributes, xattrs);
  inode.place = place;
  inode.size = content.size;
  inode.links = 1;
  BERTH_ASSIGN(const uint64_t at,
               file_.room(whole ? fixed : fixed + tail.size(), whole ? tail.size() : 0));
  BERTH_TRY(write_inode(at, inode, xattrs, tail));
  auto node = std::make_shared<ErofsNode>();
  node->type = type;
  node->inode = at / erofs::kSlot;
  return node;
}

Result<void> ErofsTree::write_inode(uint64_t at, const Inode& inode, const std::string& xattrs,
                                    const std::string& tail) {
  std::string bytes(reinterpret_cast<const char*>(&inode), sizeof inode);
  bytes += xattrs;
  bytes += tail;
  return file_.put(at, bytes_of(bytes));
}

Result<ErofsTree::Node> ErofsTree::new_file(const ErofsAttributes& attributes,
                                            ErofsContent content) {
  return put_inode(FileType::kRegular, attributes, std::move(content));
}

Result<ErofsTree::Node> ErofsTree::new_symlink(const ErofsAttributes& attributes,
                                               const std::string& link) {
  // As a path for the kernel: with the NUL behind it no longer than that.
  if (link.size() >= erofs::kBlock) return Error{ENAMETOOLONG, "symlinkat"};
  BERTH_TRY(file_.append(bytes_of(link)));
  BERTH_ASSIGN(ErofsContent content, file_.end_content());
  BERTH_ASSIGN(Node node, put_inode(FileType::kSymlink, attributes, std::move(content)));
  node->link = std::make_unique<std::string>(link);
  return node;
}

Result<ErofsTree::Node> ErofsTree::new_fifo(const ErofsAttributes& attributes) {
  return put_inode(FileType::kFifo, attributes, {});
}

Result<ErofsTree::Node> ErofsTree::new_whiteout() {
  BERTH_ASSIGN(Node node, put_inode(FileType::kCharacter, {S_IFCHR, 0, 0, {}, {}}, {}));
  node->whiteout = true;
  return node;
}

Result<void> ErofsTree::add(ErofsNode& parent, const std::string& name, Node node) {
  if (name.size() > erofs::kLongestName) return Error{ENAMETOOLONG, "openat2"};
  // What a name costs in a balanced tree beside its text, and what it leads to.
  constexpr uint64_t kName = 96, kDirectory = sizeof(ErofsDirectory) + 16;
  memory_ += kName + name.size() + sizeof(ErofsNode) + 16;
  if (node->is_directory()) memory_ += kDirectory;
  if (node->link) memory_ += node->link->size() + sizeof(std::string);
  if (memory_ > most_memory_) return refusal_.refuse("NO_IMAGE", "it has too many names");
  parent.directory->children.emplace(name, std::move(node));
  return {};
}

void ErofsTree::remove(ErofsNode& parent, const std::string& name) {
  const auto found = parent.directory->children.find(name);
  if (found == parent.directory->children.end()) return;
  // Below it there may be other names of files that stay.
  std::vector<Node> gone{found->second};
  parent.directory->children.erase(found);
  while (!gone.empty()) {
    const Node node = std::move(gone.back());
    gone.pop_back();
    if (!node->is_directory()) {
      --node->links;
      continue;
    }
    for (auto& [_, child] : node->directory->children) gone.push_back(std::move(child));
    node->directory->children.clear();
  }
}

}  // namespace berth::sys
