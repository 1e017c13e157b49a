// What berth-copy is asked to do: words of the form KEY=VALUE, as src/native/copy.ts writes them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::copy {

/// Where a path is looked up, or that there is none but a stream.
enum class Place { kHost, kRunning, kStopped, kStream };

struct Volume {
  std::string source, target;
  bool readonly = false, recursive = false;
};

/// The one container of a copy.
struct View {
  pid_t pid = 0;
  uint64_t started = 0;  // clock ticks since boot
  /// Of a container that does not run: where its files are, all but `tree` and the sources of volumes below `root`.
  std::string root, container, tree;
  std::vector<std::string> layers;  // topmost first
  std::vector<Volume> volumes;
  bool readonly = false;
};

struct Request {
  Place from = Place::kHost, to = Place::kHost;
  View view;
  /// Absolute. `as`: what the thing is called in the archive; `.`: what is in it, without itself.
  std::string path, as;
  /// A symbolic link at `path` stands for what it leads to.
  bool follow = false;
  /// `path` must be a folder.
  bool folder = false;
  std::string to_path;
  bool to_folder = false;
  /// Owners, set-id bits and every attribute as they were.
  bool archive = false;
};

/// Nothing when a word is not known or a number is none.
std::optional<Request> parse_request(const std::vector<std::string>& words);

}  // namespace berth::copy
