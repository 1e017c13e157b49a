// Documents that berth-runtime prints and writes: what it can do, and a config.json to begin with.
#pragma once

#include <string>

namespace berth::runtime {

/// features.md of the OCI runtime specification 1.1.
std::string features_text();

/// A shell in a root file system at `rootfs`, with the namespaces, mounts and capabilities that such callers usually ask for.
std::string sample_config();

}  // namespace berth::runtime
