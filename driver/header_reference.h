// The reference of headers and fields, from their declarations. Used by `xdpc reference`.
#pragma once

#include <string>

namespace xdpc::driver {

std::string fieldsReference(); // docs/fields.md
std::string stdlibReference(); // docs/stdlib.md

} // namespace xdpc::driver
