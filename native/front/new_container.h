// What belongs to one new container, from before anything of it exists (src/containerizer/container/launch.ts).
#pragma once

#include <optional>
#include <string>

#include "front/recipe.h"
#include "launch/launcher.h"
#include "sys/id_range.h"

namespace berth::front {

/// Holds its ids and says that it is on its way, until the object goes or `settle()`; by then its supervisor holds them.
class NewContainer {
 public:
  /// Chooses and claims. Nothing: that is for the JavaScript to try and to explain.
  static std::optional<NewContainer> claim(const Roots& roots, const Recipe& recipe);

  const std::string& id() const { return values_.id; }
  /// The documents, and the record of one that stays after its end. Nothing: something failed, and is taken back.
  std::optional<launch::LaunchRequest> describe(const Recipe& recipe, const Words& command);
  /// Its durable folder, of a launch that came to nothing.
  void remove_folder() const;
  void set_size(uint32_t rows, uint32_t columns);
  void settle();

 private:
  bool write_durable(const std::string& request, const std::string& document) const;
  std::string folder() const { return roots_.root + "/containers/" + values_.id; }

  Roots roots_;
  SlotValues values_;
  sys::Fd ids_, launching_;
};

}  // namespace berth::front
