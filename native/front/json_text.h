// Writing JSON as JSON.stringify does, byte for byte.
#pragma once

#include <string>
#include <string_view>

namespace berth::front {

/// `text`, which is UTF-8, as a JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace berth::front
