// Lookups in sets whose elements lie in one table under many combinations of prefix lengths:
// runtime/abi/length_list.h. Entry point: makeLengthFunction. Tested by tests/packet/sets/lengths.xf and hits.xf.
#pragma once

#include "compiler/lower/table_function.h"

namespace xdpc::lower {

// Looks for one key; ends the block with a branch to one of the two.
using KeyProbe = std::function<void(Builder&, const KeyWords& key, llvm::BasicBlock* yes, llvm::BasicBlock* no)>;

// Whether some element covers the key, as a function whose `extra` has the frame's length, and from kFamiliesAt on a
// bit for each part that is a prefix, set where its address is of IPv6. `probe` looks for one key. `hit`, if there is
// one, is asked once more, with the key of the element that matched longest.
struct LengthProbes {
  KeyProbe probe, hit;
};
inline constexpr unsigned kFamiliesAt = 32;
llvm::Function* makeLengthFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, uint32_t set, const LengthProbes& probes);
llvm::Value* lengthExtra(Builder& builder, const abi::KeyType& type, const std::vector<Value>& key);

} // namespace xdpc::lower
