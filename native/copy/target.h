// The half of a copy that writes: a tar archive onto a file system.
#pragma once

#include "copy/report.h"
#include "copy/request.h"
#include "sys/tar_reader.h"

namespace berth::copy {

/// Puts what `source` holds at the request's target below `root`. `descriptors`: the host's /proc/self/fd. A file appears under its name when it is complete,
/// in the place of one that was there; folders that are there stay as they are. On the host no name leads through a link or out of the
/// target; in a container they lead where they lead inside.
sys::Result<void> read_into_target(const Request& request, int root, int descriptors,
                                   sys::ByteSource& source, Report& report, sys::Refusal& refusal);

}  // namespace berth::copy
