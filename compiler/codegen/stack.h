// How much stack a program takes together with what it calls, before the kernel is asked. Entry point: stackBytes.
#pragma once

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>

namespace xdpc::codegen {

// MAX_BPF_STACK of linux/filter.h: of all functions that call each other at a time.
inline constexpr unsigned kMaxStack = 512;

// Of an object that join made: the most that any chain of calls has, as check_max_stack_depth of kernel/bpf/verifier.c
// counts it, each function with a multiple of 32 bytes.
unsigned stackBytes(llvm::ArrayRef<uint8_t> object);

} // namespace xdpc::codegen
