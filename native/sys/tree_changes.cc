#include "sys/tree_changes.h"

namespace berth::sys {
namespace {

class Collector : public TreeVisitor {
 public:
  Result<void> found(const WalkEntry& entry) override {
    if (entry.path.empty()) return {};
    changes.push_back({entry.below == LowerDirectory::Kind::kNone ? 'A' : 'C', "/" + entry.path});
    return {};
  }
  Result<void> removed(const std::string& path) override {
    changes.push_back({'D', "/" + path});
    return {};
  }
  std::vector<TreeChange> changes;
};

}  // namespace

Result<std::vector<TreeChange>> tree_changes(const TreeWalk& walk, Refusal& refusal) {
  Collector collector;
  BERTH_TRY(walk_tree(walk, collector, refusal));
  return std::move(collector.changes);
}

}  // namespace berth::sys
