// Reads an ELF file with libelf. The bytes of sections are taken from the caller's memory, not from libelf's buffers:
// one bounds check per section then covers everything, and nothing outlives the library's handle.
#include "runtime/object/elf_file.h"

#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <memory>

namespace xdpc::object {
namespace {

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using Handle = std::unique_ptr<Elf, ElfEnd>;

std::optional<ObjectError> checkIdent(std::span<const uint8_t> bytes) {
  if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    return ObjectError{"not an ELF file"};
  if (bytes.size() < sizeof(Elf64_Ehdr))
    return ObjectError{"the ELF file is cut short in its header"};
  if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
    return ObjectError{"not a 64-bit little-endian ELF file"};
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.e_machine != EM_BPF)
    return ObjectError{fmt::format("made for another machine (ELF machine {}, BPF is {})", header.e_machine, EM_BPF)};
  if (header.e_type != ET_REL)
    return ObjectError{fmt::format("not a relocatable ELF file (type {})", header.e_type)};
  if (header.e_shoff > bytes.size() || header.e_shentsize != sizeof(Elf64_Shdr))
    return ObjectError{"the ELF file's section table lies outside the file"};
  return {};
}

struct RawSection {
  Section section;
  uint32_t link = 0, info = 0;
  uint64_t entry_size = 0;
};

Result<RawSection, ObjectError> readSection(Elf* elf, size_t number, size_t names, std::span<const uint8_t> bytes) {
  GElf_Shdr header;
  if (!gelf_getshdr(elf_getscn(elf, number), &header))
    return ObjectError{fmt::format("section {} of the ELF file cannot be read", number)};
  const char* name = elf_strptr(elf, names, header.sh_name);
  if (!name)
    return ObjectError{fmt::format("section {} of the ELF file has no name", number)};
  RawSection raw{{name, header.sh_type, header.sh_size, {}}, header.sh_link, header.sh_info, header.sh_entsize};
  if (header.sh_type == SHT_NOBITS || header.sh_type == SHT_NULL)
    return raw;
  if (header.sh_offset > bytes.size() || header.sh_size > bytes.size() - header.sh_offset)
    return ObjectError{fmt::format("section `{}` lies outside the file", name)};
  raw.section.bytes = bytes.subspan(header.sh_offset, header.sh_size);
  return raw;
}

template <class Entry> Result<std::vector<Entry>, ObjectError> entries(const RawSection& raw) {
  if (raw.entry_size != sizeof(Entry) || raw.section.bytes.size() % sizeof(Entry) != 0)
    return ObjectError{fmt::format("section `{}` has entries of a wrong size", raw.section.name)};
  std::vector<Entry> out(raw.section.bytes.size() / sizeof(Entry));
  if (!out.empty())
    std::memcpy(out.data(), raw.section.bytes.data(), raw.section.bytes.size());
  return out;
}

std::optional<ObjectError> readSymbols(Elf* elf, const RawSection& table, ElfFile& file) {
  auto symbols = entries<Elf64_Sym>(table);
  if (!symbols)
    return symbols.error();
  if (!file.symbols.empty())
    return ObjectError{"the ELF file has two symbol tables"};
  for (const Elf64_Sym& symbol : *symbols) {
    const char* name = elf_strptr(elf, table.link, symbol.st_name);
    if (!name)
      return ObjectError{fmt::format("symbol {} of the ELF file has no name", file.symbols.size())};
    if (symbol.st_shndx < SHN_LORESERVE && symbol.st_shndx >= file.sections.size())
      return ObjectError{fmt::format("symbol `{}` is in a section that does not exist", name)};
    file.symbols.push_back({name, symbol.st_shndx, symbol.st_value, uint8_t(ELF64_ST_TYPE(symbol.st_info))});
  }
  return {};
}

std::optional<ObjectError> readRelocations(const RawSection& table, ElfFile& file) {
  auto relocations = entries<Elf64_Rel>(table);
  if (!relocations)
    return relocations.error();
  if (table.info >= file.sections.size())
    return ObjectError{fmt::format("section `{}` changes a section that does not exist", table.section.name)};
  for (const Elf64_Rel& entry : *relocations) {
    Relocation relocation{entry.r_offset, uint32_t(ELF64_R_TYPE(entry.r_info)), uint32_t(ELF64_R_SYM(entry.r_info))};
    if (relocation.symbol >= file.symbols.size())
      return ObjectError{
          fmt::format("section `{}` names symbol {}, which does not exist", table.section.name, relocation.symbol)};
    file.relocations[table.info].push_back(relocation);
  }
  return {};
}

} // namespace

std::optional<uint32_t> ElfFile::find(std::string_view name) const {
  for (uint32_t i = 1; i < sections.size(); ++i)
    if (sections[i].name == name)
      return i;
  return {};
}

Result<ElfFile, ObjectError> readElf(std::span<const uint8_t> bytes) {
  if (auto error = checkIdent(bytes))
    return *error;
  elf_version(EV_CURRENT);
  // libelf's signature is not const, but a file of the host's byte order is only read.
  Handle elf(elf_memory(reinterpret_cast<char*>(const_cast<uint8_t*>(bytes.data())), bytes.size()));
  size_t count = 0, names = 0;
  if (!elf || elf_getshdrnum(elf.get(), &count) != 0 || elf_getshdrstrndx(elf.get(), &names) != 0)
    return ObjectError{"the ELF file's section table is damaged"};

  ElfFile file;
  std::vector<RawSection> raw;
  for (size_t i = 0; i < count; ++i) {
    auto section = readSection(elf.get(), i, names, bytes);
    if (!section)
      return section.error();
    file.sections.push_back(section->section);
    raw.push_back(std::move(*section));
  }
  file.relocations.resize(count);
  for (const RawSection& section : raw)
    if (section.section.type == SHT_SYMTAB)
      if (auto error = readSymbols(elf.get(), section, file))
        return *error;
  for (const RawSection& section : raw)
    if (section.section.type == SHT_REL)
      if (auto error = readRelocations(section, file))
        return *error;
  return file;
}

} // namespace xdpc::object
