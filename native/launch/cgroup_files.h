// Reading and writing the files of one cgroup.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "launch/failure.h"
#include "launch/setting.h"
#include "sys/fd.h"
#include "sys/result.h"

namespace berth::launch {

std::string parent_of(const std::string& path);

/// The directory, but only if it really is a cgroup: a plain file written somewhere else would be a limit that does not exist.
std::variant<sys::Fd, Failure> open_cgroup(const std::string& path);

/// Makes a container's directory below the one that it shares with others of its root. Whoever clears up after the last container may remove the
/// shared one in between: then it is made again. One that is there already is an error only if it must be new.
std::optional<Failure> make_below_shared(const std::string& path, bool must_be_new);

/// The whole of a small file, without the last newline.
sys::Result<std::string> read_value(int directory, const std::string& file);
/// One write for each line of `value`.
sys::Result<void> write_value(int directory, const std::string& file, const std::string& value);

/// Writes a setting where the kernel has a file for it. `path` names the directory.
std::optional<Failure> put_setting(int directory, const std::string& path, const Setting& setting);

}  // namespace berth::launch
