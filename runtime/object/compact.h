// Leaves out what a program never reaches, and what it computes for nothing once the configuration is in it. A packet
// need not run through that, and what is never reached the kernel would remove itself, one run at a time, moving all
// that lies behind each: 3 ms of the 40 that a program of 4,000 instructions takes to load. Entry point: compact.
// Tested by tests/unit/object/compact_test.cpp.
#pragma once

#include "runtime/object/object.h"

namespace xdpc::object {

struct CompactCode {
  std::vector<Instruction> program;
  std::vector<uint8_t> func_info, line_info; // as in Object, for these instructions
};

// `program`: the object's, with as many instructions, as foldConfig returns it or with a machine's numbers in it.
// Follows numbers that instructions put into registers. Jumps to the next instruction, what lies behind branches that
// are never taken and what computes numbers that nothing reads is left out; all else stays as it is, in the same order.
CompactCode compact(const std::vector<Instruction>& program, const Object& object);

} // namespace xdpc::object
