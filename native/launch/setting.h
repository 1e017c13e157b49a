// What limits come to in the files of each cgroup layout (cgroup-v1/*.rst, cgroup-v2.rst). Pure.
#pragma once

#include <string>
#include <vector>

#include "launch/limits.h"

namespace berth::launch {

/// What is to be written into one cgroup file.
struct Setting {
  std::string controller;
  std::string file;
  std::string value;    // each of its lines is one write
  std::string meaning;  // the limit in a user's words
  /// It asks for nothing that a kernel without the file does not do anyway.
  bool optional = false;
  /// A second file to the same end. One of the two must be there; each that is there gets its value.
  std::string or_file, or_value;
  /// Why this layout cannot do it at all; empty: it can.
  std::string lacking;
  bool operator==(const Setting&) const = default;
};

/// In an order in which a cgroup that was just made takes them.
std::vector<Setting> v1_settings(const Limits& limits);
std::vector<Setting> v2_settings(const Limits& limits);

}  // namespace berth::launch
