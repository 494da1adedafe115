// The headers that C gets from memory: xdpc.h and those of a freestanding compiler. Made by cmake/embed_headers.cmake.
#pragma once

#include <span>
#include <string_view>

namespace xdpc::clang_plugin {

struct Header {
  std::string_view name, text;
};
std::span<const Header> headers();

} // namespace xdpc::clang_plugin
