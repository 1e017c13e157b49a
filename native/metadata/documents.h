// What a pod may know of itself (ace.md, "App Container Metadata Service"), as it comes from whoever starts the pod.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sys/result.h"

namespace berth::metadata {

/// Views of the sealed copy.
struct Document {
  std::string_view path;  // below acMetadata/v1
  std::string_view type;  // of its content
  std::string_view body;
};

struct Pod {
  std::string_view uuid;
  std::string_view token;  // what every request begins with
  std::vector<Document> documents;

  const Document* find(std::string_view path) const;
};

/// A manifest has 4 MiB at most (docs/guides/appc.md), and a pod sixteen such.
constexpr size_t kMostBytes = size_t{64} << 20;

/// Reads all of a pod: `pod UUID TOKEN BYTES`, then `BYTES` bytes of documents, each a line `PATH LENGTH TYPE` and its content. They are kept in memory
/// that nothing writes any more. EPROTO: it is none. Nothing is read beyond it.
sys::Result<Pod> receive_pod(int from);

/// One line, without its end. EPROTO: it does not end in time.
sys::Result<std::string> receive_line(int from);

/// The documents in a text of that form; false: it is none.
bool split_documents(std::string_view text, std::vector<Document>& documents);

}  // namespace berth::metadata
