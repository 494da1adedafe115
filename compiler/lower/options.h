// Options of a header: bytes of number, length and value behind its declared fields (RFC 791, section 3.1; RFC 9293,
// section 3.1). They are walked once, by a function of its own that the verifier walks once, too: what it found comes
// back in one number. options_function.cpp makes the functions, options.cpp calls them. Tested by
// tests/packet/headers/tcp_options.xf and ipv4_options.xf.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Options of the header that something asks for, in the order of their places in results.
std::vector<ir::HeaderId> optionsOf(const plan::Program& program, ir::HeaderId owner);

// u64 options_OWNER_GROUP(context, start, bytes): the options are `bytes` bytes, 1 to 64, from `start` in the frame on.
// The result: for each of up to kGroup options where it begins, from 1 on; 0 where it is not there. It is the first of
// its number that has the declared length, up to an end of options or one that is impossible.
struct OptionResult {
  static constexpr unsigned kPlaceBits = 7;
  static constexpr size_t kGroup = 64 / kPlaceBits;

  static size_t groups(size_t options) { return (options + kGroup - 1) / kGroup; }
};

std::string optionFunctionName(ir::HeaderId owner, size_t group);
void makeOptionFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals);

// Where each of the header's options is and whether it is there. Goes on in a new block.
std::map<ir::HeaderId, HeaderValue> lowerOptions(Builder& builder, ir::HeaderId owner, const HeaderValue& value);

} // namespace xdpc::lower
