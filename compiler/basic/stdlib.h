// The standard library's text as it was at build time: stdlib/*.xf.
#pragma once

#include <span>
#include <string_view>

namespace xdpc {

struct StdlibFile {
  std::string_view name; // "stdlib/ipv4.xf"
  std::string_view text;
};
std::span<const StdlibFile> stdlibFiles();

} // namespace xdpc
