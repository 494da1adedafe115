// The chain of IPv6 extension headers (RFC 8200, section 4), headers that the standard library declares with `extension
// header`. Walking it is a function of its own, which the verifier walks once, whatever lies before the chain; what it
// found comes back in one number (docs/decisions/0015). chain_function.cpp makes the functions, extensions.cpp calls
// them (walk.h, lowerExtensions). Tested by tests/packet/headers.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

using ChainMembers = std::vector<std::pair<uint64_t, ir::HeaderId>>; // by the value that selects them
ChainMembers chainMembers(const ir::Policy& policy, ir::HeaderId owner);

// Members that something asks for, in the order of their offsets in results.
std::vector<ir::HeaderId> askedOf(const plan::Program& program, const ChainMembers& members);

// u64 chain_OWNER_GROUP(context, offset, protocol, available): from `offset` on, in the frame or, where `available` is
// not zero, in so many bytes of its copy. The result: how the walk ended, the last protocol, where the chain ends, and
// where up to kGroup of the headers that are asked for start (0: not there). More of them take more functions, one a
// group.
struct ChainResult {
  enum Status : uint64_t { kDone, kStopped, kCut, kDeep };
  static constexpr unsigned kStatusBits = 2, kProtocolBits = 8, kOffsetBits = 9;
  static constexpr unsigned kEndAt = kStatusBits + kProtocolBits, kAskedAt = kEndAt + kOffsetBits;
  static constexpr size_t kGroup = (64 - kAskedAt) / kOffsetBits;

  static size_t groups(size_t asked) { return asked ? (asked + kGroup - 1) / kGroup : 1; }
};
static_assert(plan::kCopiedBytes == 1u << ChainResult::kOffsetBits);

void makeChainFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
