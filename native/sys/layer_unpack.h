// One layer, from its blob to a directory, in one pass and on three threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sys/layer_blob.h"
#include "sys/layer_writer.h"
#include "sys/layers_below.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

struct UnpackRequest {
  std::string blob;  // a regular file; with expected.growth it may not have all its bytes yet
  BlobExpectation expected;
  std::string target;
  /// Not empty: the new file that becomes the layer, an EROFS image, instead of `target`. Its identity has 16 bytes; `image_memory`
  /// bytes are for its names while it is made.
  std::string image, image_identity;
  uint64_t image_memory = 0;
  /// Overlay: `target` becomes one layer above `lowers` (topmost first), for overlayfs. Else it is
  /// a whole file system, into which the layers are put one after the other.
  bool overlay = false;
  std::vector<std::string> lowers;
  /// The lowers may still be on their way: what needs them waits. Null: all of them are there.
  std::shared_ptr<LayersBelow> below;
  /// Not overlay: `target` already holds layers.
  bool over_lower = false;
  /// A new file that gets the blob's bytes; empty for none.
  std::string copy;
  BlobLimits blob_limits;
  TarLimits tar_limits;
  WriterLimits writer_limits;
  uint64_t directory_bytes = 0;  // memory for directories that wait for their times
};

struct UnpackResult {
  LayerCounts counts;
  uint64_t archive_bytes = 0;
};

/// Makes `target` unless it holds layers already. After a failure neither `target` nor `copy`
/// exists any more, and `refusal` tells what the content is to blame for, if it is. Changes the
/// calling thread's umask and nothing else of the process: the thread must be one of its own.
Result<UnpackResult> unpack_layer(const UnpackRequest& request, Refusal& refusal);

}  // namespace berth::sys
