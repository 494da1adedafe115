// The parts of an ELF file that an object needs: sections, symbols and relocations, copied out and checked against the
// file's bounds, so that nothing behind this header has to distrust an offset. Entry point: readElf.
// Tested by tests/unit/object/elf_test.cpp and malformed_test.cpp.
#pragma once

#include "runtime/object/object.h"

#include <optional>
#include <string_view>

namespace xdpc::object {

struct Section {
  std::string name;
  uint32_t type = 0; // SHT_*
  uint64_t size = 0;
  std::span<const uint8_t> bytes; // of the caller's memory; empty for SHT_NOBITS
};

struct Symbol {
  std::string name;
  uint32_t section = 0; // index, or SHN_UNDEF and the other reserved ones
  uint64_t value = 0;
  uint8_t type = 0; // STT_*
};

struct Relocation {
  uint64_t offset = 0; // in the section that it changes
  uint32_t type = 0;   // R_BPF_*
  uint32_t symbol = 0; // index into ElfFile::symbols, checked
};

struct ElfFile {
  std::vector<Section> sections; // by section number
  std::vector<Symbol> symbols;
  std::vector<std::vector<Relocation>> relocations; // by number of the section that they change

  std::optional<uint32_t> find(std::string_view name) const; // number of the section
};

Result<ElfFile, ObjectError> readElf(std::span<const uint8_t> bytes);

} // namespace xdpc::object
