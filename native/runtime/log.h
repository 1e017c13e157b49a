// Where callers look for what went wrong: stderr, and the file that --log names.
#pragma once

#include <string>

namespace berth::runtime {

/// `format`: `text` or `json`, one object a line as containerd's shim reads it. Empty `path`: stderr alone.
void log_to(const std::string& path, const std::string& format);
void log_error(const std::string& text);
void warn(const std::string& text);

/// This moment as RFC 3339 has it, to the microsecond.
std::string timestamp();

}  // namespace berth::runtime
