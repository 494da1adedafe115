// Leaves out what a program never reaches: the kernel removes one run of it at a time and moves all that lies behind,
// the lines and its own notes with it, which in a program of 4,000 instructions took 3 ms of 40. Entry point: compact.
// Tested by tests/unit/object/compact_test.cpp.
#pragma once

#include "runtime/object/object.h"

namespace xdpc::object {

struct CompactCode {
  std::vector<Instruction> program;
  std::vector<uint8_t> func_info, line_info; // as in Object, for these instructions
};

// `program`: the object's, with as many instructions, as foldConfig returns it or with a machine's numbers in it.
// Follows numbers that instructions put into registers. Jumps to the next instruction and what lies behind branches
// that are never taken is left out; all else stays as it is, in the same order.
CompactCode compact(const std::vector<Instruction>& program, const Object& object);

} // namespace xdpc::object
