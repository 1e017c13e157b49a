// A tree, or what a layer changes of the ones below it, as a tar archive.
#pragma once

#include "sys/byte_sink.h"
#include "sys/tree_walk.h"

namespace berth::sys {

struct PackCounts {
  uint64_t entries = 0, file_bytes = 0;
  uint64_t sockets_skipped = 0;  // tar has no word for them
};

/// `layer`: removed things are written as whiteouts (OCI image specification, layer.md), and names that would be taken for some are
/// refused with BAD_NAME; else they are just not there. Owners, modes, times, extended attributes, holes and hard links are kept. A
/// file that shrinks meanwhile is filled up with zeros.
Result<PackCounts> pack_tree(const TreeWalk& walk, bool layer, ByteSink& sink, Refusal& refusal);

}  // namespace berth::sys
