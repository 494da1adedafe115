// BTF as bytes: its parts, and the size of each type. For the object's own (btf.cpp) and the running kernel's
// (kernel/kernel_types.cpp). Format: the kernel's Documentation/bpf/btf.rst. Tested by tests/unit/object/btf_test.cpp
// and tests/runtime/kernel_types_test.cpp.
#pragma once

#include <array>
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
inline std::optional<uint64_t> tailSize(const btf_type& type) {
  struct Tail {
    uint8_t known, fixed, member; // bytes, and bytes of each member
  };
  // By kind: the running kernel has a hundred thousand types.
  static constexpr std::array<Tail, BTF_KIND_ENUM64 + 1> kTails = [] {
    std::array<Tail, BTF_KIND_ENUM64 + 1> tails{};
    for (uint32_t kind : {BTF_KIND_PTR, BTF_KIND_FWD, BTF_KIND_TYPEDEF, BTF_KIND_VOLATILE, BTF_KIND_CONST,
                          BTF_KIND_RESTRICT, BTF_KIND_FUNC, BTF_KIND_FLOAT, BTF_KIND_TYPE_TAG})
      tails[kind] = {1, 0, 0};
    for (uint32_t kind : {BTF_KIND_INT, BTF_KIND_VAR, BTF_KIND_DECL_TAG})
      tails[kind] = {1, 4, 0};
    for (uint32_t kind : {BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_DATASEC, BTF_KIND_ENUM64})
      tails[kind] = {1, 0, 12};
    for (uint32_t kind : {BTF_KIND_ENUM, BTF_KIND_FUNC_PROTO})
      tails[kind] = {1, 0, 8};
    tails[BTF_KIND_ARRAY] = {1, sizeof(btf_array), 0};
    return tails;
  }();
  const uint32_t kind = BTF_INFO_KIND(type.info);
  if (kind >= kTails.size() || !kTails[kind].known)
    return {};
  return kTails[kind].fixed + uint64_t{kTails[kind].member} * BTF_INFO_VLEN(type.info);
}

} // namespace xdpc::object
