// Links the object's code: subprograms of `.text` behind the main program, calls and map symbols resolved.
// Entry point: linkCode. Tested by tests/unit/object/link_test.cpp.
#pragma once

#include "runtime/object/elf_file.h"

namespace xdpc::object {

struct LinkedCode {
  std::vector<Instruction> program;
  std::vector<MapReference> references; // ascending by instruction
  uint32_t text_start = 0;              // number of the first instruction of `.text`
};

Result<LinkedCode, ObjectError> linkCode(const ElfFile& elf, const abi::Manifest& manifest);

} // namespace xdpc::object
