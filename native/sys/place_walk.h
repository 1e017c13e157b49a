// How the names of a layer lead through its tree, whatever the tree is made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sys/path_components.h"
#include "sys/refusal.h"

namespace berth::sys {

/// What one component of a path is: a directory, a symbolic link with its text, or nothing.
template <typename Place>
struct WalkStep {
  enum class Kind { kNone, kPlace, kLink } kind = Kind::kNone;
  Place place{};
  std::string link;

  static WalkStep to(Place place) { return {Kind::kPlace, std::move(place), {}}; }
  static WalkStep through(std::string link) { return {Kind::kLink, {}, std::move(link)}; }
};

/// Follows `path` from `root` as a process with that root would: absolute links start there, `..` stops there. `step` tells what a name is
/// in a place (a Result of WalkStep). The end is where it leads, kPlace or kNone.
template <typename Place, typename Step>
Result<WalkStep<Place>> walk_inside(const std::string& path, Place root, Refusal& refusal,
                                    const Step& step) {
  // What path resolution allows (path_resolution(7)).
  constexpr int kMostLinks = 40;
  using Kind = typename WalkStep<Place>::Kind;
  std::vector<Place> trail;
  trail.push_back(std::move(root));
  std::vector<std::string> pending;
  push_components(pending, path);
  for (int links = 0; !pending.empty();) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      if (trail.size() > 1) trail.pop_back();
      continue;
    }
    BERTH_ASSIGN(WalkStep<Place> next, step(trail.back(), name));
    if (next.kind == Kind::kNone) return next;
    if (next.kind == Kind::kLink) {
      if (++links > kMostLinks)
        return refusal.refuse("BAD_TAR", "a parent directory is a loop of symbolic links");
      if (next.link.starts_with('/')) trail.resize(1);
      push_components(pending, next.link);
      continue;
    }
    trail.push_back(std::move(next.place));
  }
  return WalkStep<Place>::to(std::move(trail.back()));
}

}  // namespace berth::sys
