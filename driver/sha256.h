// SHA-256 (FIPS 180-4) of a policy's source, for the manifest.
#pragma once

#include <string>
#include <string_view>

namespace xdpc::driver {

std::string sha256(std::string_view text); // 64 hexadecimal digits

} // namespace xdpc::driver
