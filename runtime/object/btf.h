// The object's type information (.BTF) made ready for the kernel, and its line and function information (.BTF.ext) with
// instruction numbers of the linked program. Formats: the kernel's Documentation/bpf/btf.rst.
// Tested by tests/unit/object/btf_test.cpp.
#pragma once

#include "runtime/object/elf_file.h"

namespace xdpc::object {

// .BTF with the sizes of data sections and the offsets of their variables, which the compiler leaves to the loader.
Result<std::vector<uint8_t>, ObjectError> completeBtf(const ElfFile& elf, std::span<const uint8_t> btf);

struct BtfExt {
  std::vector<uint8_t> func_info, line_info; // struct bpf_func_info, struct bpf_line_info
  uint32_t func_info_size = 0, line_info_size = 0;
  std::vector<Line> lines;
};

// `text_start` is the number of the first instruction of `.text` and `end` the one behind the last; `policy_file` the
// base name of the policy's file.
Result<BtfExt, ObjectError> readBtfExt(std::span<const uint8_t> ext, std::span<const uint8_t> btf, uint32_t text_start,
                                       uint32_t end, std::string_view policy_file = {});

} // namespace xdpc::object
