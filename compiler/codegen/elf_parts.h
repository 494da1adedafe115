// A relocatable ELF file in parts: what the back end wrote, taken apart, and an object put together from parts. Entry
// points: readElf, writeElf. Not for files of others: what cannot be read is a bug of ours.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::codegen {

struct ElfRelocation {
  uint64_t offset = 0; // bytes, in its section
  uint32_t type = 0;   // R_BPF_*; the addend is in the place itself
  uint32_t symbol = 0; // index into ElfParts::symbols
};

struct ElfSection {
  std::string name;
  uint32_t type = 0; // SHT_*
  uint64_t flags = 0, alignment = 1;
  uint64_t size = 0;          // bytes
  std::vector<uint8_t> bytes; // none for SHT_NOBITS
  std::vector<ElfRelocation> relocations;

  bool isCode() const;
};

struct ElfSymbol {
  static constexpr uint32_t kUndefined = UINT32_MAX;

  std::string name;
  uint32_t section = kUndefined; // index into ElfParts::sections
  uint64_t value = 0, size = 0;
  uint8_t info = 0, other = 0; // binding and type; visibility

  bool isLocal() const;
  bool isSection() const; // stands for its section's beginning
  bool isHidden() const;  // known to no other file
};

// Without symbol tables, string tables and sections of relocations, which writeElf makes.
struct ElfParts {
  std::vector<ElfSection> sections;
  std::vector<ElfSymbol> symbols;
  uint32_t flags = 0; // e_flags
};

ElfParts readElf(llvm::StringRef file);

// The symbols in the order of ELF: local ones first.
std::vector<uint8_t> writeElf(const ElfParts& parts);

} // namespace xdpc::codegen
