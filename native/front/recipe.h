// How to launch another container of a command line that the JavaScript has launched before (src/containerizer/container/recipe.ts).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "front/roots.h"

namespace berth::front {

/// Pieces of JSON with the names of slots between them: TEXT, SLOT, TEXT, …, TEXT.
using Template = std::vector<std::string>;

/// What fills the slots.
struct SlotValues {
  std::string id, created_at;
  uint32_t first_id = 0;
  uint32_t height = 0, width = 0;
};

/// The document; `args` are the words of the command. Nothing: a slot is not known here.
std::optional<std::string> fill(const Template& pieces, const SlotValues& values,
                                const Words& args);

struct Recipe {
  std::string image;
  bool remove = false;
  bool sized = false;  // the size of a terminal is described
  struct {
    std::string file;
    uint32_t first = 0, size = 0, count = 0;
  } ids;
  /// Of control groups; empty: none.
  std::string scope, supervisors;
  std::vector<std::string> shared;
  /// What is mounted of layers while a container runs, and the locks of those who need it otherwise.
  std::vector<std::string> mounted, layer_locks;
  Words default_args;
  Template config, launch, container, request;

  /// Even where none is given: the image's, or its entry point alone.
  bool has_command() const;
};

/// The recipe for these words, from the one after the verb up to the image. Nothing: there is none, it is not root's alone, not whole, of another build, or something that
/// it was made of is not as it was.
std::optional<Recipe> find_recipe(const std::string& installation, const Roots& roots,
                                  const Words& words);

}  // namespace berth::front
