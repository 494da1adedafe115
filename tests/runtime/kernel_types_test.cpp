// runtime/kernel/kernel_types.h: libbpf, which indexes all of the kernel's types, is the judge.
#include "runtime/kernel/kernel_types.h"

#include "runtime/abi/abi.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace xdpc::kernel {
namespace {

struct Freed {
  void operator()(btf* types) const { btf__free(types); }
};

std::span<const uint8_t> bytesOf(const btf* types) {
  uint32_t size = 0;
  const void* data = btf__raw_data(types, &size);
  return {static_cast<const uint8_t*>(data), size};
}

TEST(KernelTypes, AgreeWithLibbpf) {
  const std::unique_ptr<btf, Freed> types(btf__load_vmlinux_btf());
  ASSERT_TRUE(types);
  const int expected = btf__find_by_name_kind(types.get(), "bpf_cast_to_kern_ctx", BTF_KIND_FUNC);
  const auto found = castToKernelContext();
  if (expected < 0) {
    EXPECT_FALSE(found);
    return;
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, uint32_t(expected));
}

// A kernel of two types: struct xdp_buff with a nameless struct that holds `flags` at `bit`, and the function.
std::vector<uint8_t> smallKernel(uint32_t bit) {
  const std::unique_ptr<btf, Freed> types(btf__new_empty());
  btf__add_int(types.get(), "unsigned int", 4, 0);
  btf__add_struct(types.get(), "", 8);
  btf__add_field(types.get(), "frame_sz", 1, 0, 0);
  btf__add_field(types.get(), "flags", 1, 32, 0);
  btf__add_struct(types.get(), "xdp_buff", 64);
  btf__add_field(types.get(), "", 2, bit - 32, 0);
  btf__add_func_proto(types.get(), 0);
  btf__add_func(types.get(), "bpf_cast_to_kern_ctx", BTF_FUNC_GLOBAL, 4);
  const auto bytes = bytesOf(types.get());
  return {bytes.begin(), bytes.end()};
}

TEST(KernelTypes, AnotherLayoutOfTheBufferIsNotUsed) {
  EXPECT_EQ(castToKernelContext(smallKernel(abi::kXdpBuffFlags * 8)), std::optional<uint32_t>(5));
  EXPECT_EQ(castToKernelContext(smallKernel(abi::kXdpBuffFlags * 8 + 32)), std::nullopt);
}

TEST(KernelTypes, DamagedTypesGiveNothing) {
  const std::vector<uint8_t> whole = smallKernel(abi::kXdpBuffFlags * 8);
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + size);
    EXPECT_EQ(castToKernelContext(cut), std::nullopt) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) { // whatever it says, it must not read beyond
    std::vector<uint8_t> wrong = whole;
    wrong[at] ^= 0xff;
    (void)castToKernelContext(wrong);
  }
}

} // namespace
} // namespace xdpc::kernel
