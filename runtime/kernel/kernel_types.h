// What the running kernel says of its own types (BTF in /sys/kernel/btf/vmlinux). Read by hand: libbpf takes 13 ms to
// index all of it, and a policy is to be attached in less than 60. Tested in tests/runtime/kernel_types_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace xdpc::kernel {

// The number under which a program calls bpf_cast_to_kern_ctx, if the kernel has it (from 6.2) and its struct xdp_buff
// has `flags` at abi::kXdpBuffFlags.
std::optional<uint32_t> castToKernelContext();

// The same question to a given BTF; for tests.
std::optional<uint32_t> castToKernelContext(std::span<const uint8_t> btf);

} // namespace xdpc::kernel
