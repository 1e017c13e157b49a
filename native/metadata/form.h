// Forms as browsers send them: application/x-www-form-urlencoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::metadata {

/// The value of the first field of that name, decoded. Nothing: there is none, or it is not encoded rightly.
std::optional<std::string> form_field(std::string_view form, std::string_view name);

}  // namespace berth::metadata
