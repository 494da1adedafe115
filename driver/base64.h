// Base 64 (RFC 4648, section 4): bytes in the lines of a saved policy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::driver {

std::string toBase64(std::span<const uint8_t> bytes);
// Nothing if the text is none: another character, a wrong length, bits behind the last byte.
std::optional<std::vector<uint8_t>> fromBase64(std::string_view text);

} // namespace xdpc::driver
