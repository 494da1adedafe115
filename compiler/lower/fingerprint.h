// What a function's code follows from, in 128 bits: two functions with the same fingerprint compile to the same
// instructions, but for whom they refer to. Entry point: fingerprint.
#pragma once

#include <llvm/IR/Function.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace xdpc::lower {

struct Fingerprint {
  std::array<uint64_t, 2> hash = {};
  std::vector<const llvm::GlobalValue*> references; // maps, functions and parameters, in the order of their first use
};

// As lowering leaves a function, before optimization. Names, places in the source and what is referred to do not count,
// but what kind it is and where else the same is meant. Nothing for a function with something in it that is not known
// here.
std::optional<Fingerprint> fingerprint(const llvm::Function& function);

} // namespace xdpc::lower
