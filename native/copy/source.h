// The half of a copy that reads: a file or folder as a tar archive.
#pragma once

#include "copy/report.h"
#include "copy/request.h"
#include "sys/byte_sink.h"

namespace berth::copy {

/// Writes what lies at the request's path below `root`. `descriptors`: the host's /proc/self/fd. Whoever lives in the tree may change it meanwhile: no link
/// below the path is followed, nothing but regular files is opened, and what is gone by then is passed over. The file systems through which a kernel speaks
/// are left out where they are mounted below the path.
sys::Result<void> write_source(const Request& request, int root, int descriptors,
                               sys::ByteSink& sink, Report& report, sys::Refusal& refusal);

}  // namespace berth::copy
