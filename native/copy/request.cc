#include "copy/request.h"

#include <charconv>

namespace berth::copy {
namespace {

std::optional<Place> place_named(const std::string& name) {
  if (name == "host") return Place::kHost;
  if (name == "running") return Place::kRunning;
  if (name == "stopped") return Place::kStopped;
  if (name == "stream") return Place::kStream;
  return std::nullopt;
}

bool take_place(Place& place, const std::string& value) {
  const auto found = place_named(value);
  if (found) place = *found;
  return found.has_value();
}

template <typename Number>
bool take_number(Number& number, const std::string& value) {
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  return error == std::errc() && stop == end;
}

bool take_of_volume(Volume& volume, const std::string& key, const std::string& value) {
  if (key == "volume-target") {
    volume.target = value;
  } else if (key == "volume-readonly") {
    volume.readonly = value == "1";
  } else {
    volume.recursive = value == "1";
    return key == "volume-recursive";
  }
  return true;
}

bool take(Request& request, const std::string& key, const std::string& value) {
  const bool yes = value == "1";
  if (key == "from") return take_place(request.from, value);
  if (key == "to") return take_place(request.to, value);
  if (key == "pid") return take_number(request.view.pid, value);
  if (key == "started") return take_number(request.view.started, value);
  if (key == "root") {
    request.view.root = value;
  } else if (key == "container") {
    request.view.container = value;
  } else if (key == "tree") {
    request.view.tree = value;
  } else if (key == "layer") {
    request.view.layers.push_back(value);
  } else if (key == "readonly") {
    request.view.readonly = yes;
  } else if (key == "volume-source") {
    request.view.volumes.push_back({value, "", false, false});
  } else if (key == "path") {
    request.path = value;
  } else if (key == "as") {
    request.as = value;
  } else if (key == "follow") {
    request.follow = yes;
  } else if (key == "folder") {
    request.folder = yes;
  } else if (key == "to-path") {
    request.to_path = value;
  } else if (key == "to-folder") {
    request.to_folder = yes;
  } else if (key == "archive") {
    request.archive = yes;
  } else {
    return !request.view.volumes.empty() && take_of_volume(request.view.volumes.back(), key, value);
  }
  return true;
}

}  // namespace

std::optional<Request> parse_request(const std::vector<std::string>& words) {
  Request request;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos ||
        !take(request, word.substr(0, equals), word.substr(equals + 1)))
      return std::nullopt;
  }
  return request;
}

}  // namespace berth::copy
