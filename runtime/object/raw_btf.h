// BTF as bytes: its parts, and the size of each type. For the object's own (btf.cpp) and the running kernel's
// (kernel/kernel_types.cpp). Format: the kernel's Documentation/bpf/btf.rst. Tested by tests/unit/object/btf_test.cpp
// and tests/runtime/kernel_types_test.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <linux/btf.h>
#include <optional>
#include <span>
#include <string_view>

namespace xdpc::object {

template <class T> std::optional<T> get(std::span<const uint8_t> bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
    return {};
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

struct BtfView {
  std::span<const uint8_t> types, strings;
  uint64_t types_offset = 0; // in the section

  std::optional<std::string_view> string(uint32_t offset) const {
    if (offset >= strings.size())
      return {};
    auto* start = reinterpret_cast<const char*>(strings.data()) + offset;
    return std::string_view(start, strnlen(start, strings.size() - offset));
  }
};

// Nothing if the header is not one of BTF or names bytes outside.
std::optional<BtfView> viewBtf(std::span<const uint8_t> btf);

// Bytes behind a btf_type; nothing for a kind that is not known, behind which no type can be found.
std::optional<uint64_t> tailSize(const btf_type& type);

} // namespace xdpc::object
