// Writes small BPF object files for tests, without a compiler: sections, symbols, relocations, in the order of the
// calls. Used by tests/unit/object.
#pragma once

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::support {

using Bytes = std::vector<uint8_t>;

template <class T> void append(Bytes& out, const T& value) {
  auto* start = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), start, start + sizeof(T));
}

inline void append(Bytes& out, std::span<const uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline Bytes toBytes(std::string_view text) {
  Bytes out(text.begin(), text.end());
  out.push_back(0);
  return out;
}

class ElfBuilder {
public:
  uint16_t machine = EM_BPF;
  uint16_t type = ET_REL;

  ElfBuilder() {
    sections_.emplace_back();
    symbols_.emplace_back();
  }

  uint32_t section(std::string_view name, Bytes bytes, uint32_t type = SHT_PROGBITS, uint64_t flags = 0) {
    sections_.push_back({std::string(name), type, bytes.size(), 0, 0, 0, std::move(bytes), flags});
    return sections_.size() - 1;
  }

  // A section without contents in the file.
  uint32_t zeroSection(std::string_view name, uint64_t size) {
    sections_.push_back({std::string(name), SHT_NOBITS, size, 0, 0, 0, {}});
    return sections_.size() - 1;
  }

  uint32_t symbol(std::string_view name, uint32_t section, uint64_t value, uint8_t type = STT_OBJECT,
                  uint8_t visibility = STV_DEFAULT, uint64_t size = 0) {
    Elf64_Sym symbol{};
    symbol.st_name = string(name);
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, type);
    symbol.st_shndx = uint16_t(section);
    symbol.st_value = value;
    symbol.st_other = visibility;
    symbol.st_size = size;
    symbols_.push_back(symbol);
    return symbols_.size() - 1;
  }

  void relocate(uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol) {
    append(relocations_[section], Elf64_Rel{offset, ELF64_R_INFO(uint64_t{symbol}, type)});
  }

  Bytes build() {
    auto sections = sections_;
    uint32_t symtab = sections.size(), strtab = symtab + 1;
    Bytes symbols;
    for (const Elf64_Sym& symbol : symbols_)
      append(symbols, symbol);
    sections.push_back({".symtab", SHT_SYMTAB, symbols.size(), strtab, 1, sizeof(Elf64_Sym), symbols});
    sections.push_back({".strtab", SHT_STRTAB, 0, 0, 0, 0, {}});
    for (const auto& [target, bytes] : relocations_)
      sections.push_back(
          {".rel" + sections_[target].name, SHT_REL, bytes.size(), symtab, target, sizeof(Elf64_Rel), bytes});
    std::vector<uint32_t> names;
    for (const Entry& section : sections)
      names.push_back(string(section.name));
    sections[strtab].bytes = Bytes(strings_.begin(), strings_.end());
    sections[strtab].size = strings_.size();
    return write(sections, names, strtab);
  }

private:
  struct Entry {
    std::string name;
    uint32_t type = SHT_NULL;
    uint64_t size = 0;
    uint32_t link = 0, info = 0;
    uint64_t entry_size = 0;
    Bytes bytes;
    uint64_t flags = 0;
  };

  uint32_t string(std::string_view text) {
    uint32_t at = strings_.size();
    strings_.append(text).push_back('\0');
    return at;
  }

  Bytes write(const std::vector<Entry>& sections, const std::vector<uint32_t>& names, uint32_t strtab) const {
    Bytes out(sizeof(Elf64_Ehdr));
    std::vector<Elf64_Shdr> headers;
    for (size_t i = 0; i < sections.size(); ++i) {
      out.resize((out.size() + 7) / 8 * 8);
      Elf64_Shdr header{};
      header.sh_name = names[i];
      header.sh_type = sections[i].type;
      header.sh_flags = sections[i].flags;
      header.sh_offset = i == 0 ? 0 : out.size();
      header.sh_size = sections[i].size;
      header.sh_link = sections[i].link;
      header.sh_info = sections[i].info;
      header.sh_entsize = sections[i].entry_size;
      headers.push_back(header);
      append(out, std::span<const uint8_t>(sections[i].bytes));
    }
    out.resize((out.size() + 7) / 8 * 8);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = type;
    header.e_machine = machine;
    header.e_version = EV_CURRENT;
    header.e_shoff = out.size();
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = headers.size();
    header.e_shstrndx = strtab;
    std::memcpy(out.data(), &header, sizeof(header));
    for (const Elf64_Shdr& section : headers)
      append(out, section);
    return out;
  }

  std::vector<Entry> sections_;
  std::vector<Elf64_Sym> symbols_;
  std::map<uint32_t, Bytes> relocations_;
  std::string strings_ = std::string(1, '\0');
};

// Types and strings of a .BTF section, and records of a .BTF.ext section.
class BtfBuilder {
public:
  uint32_t string(std::string_view text) {
    uint32_t at = strings_.size();
    strings_.append(text).push_back('\0');
    return at;
  }

  // {name, info, size or type} and the words of the kind's tail. Gives the type's id.
  uint32_t type(uint32_t name, uint32_t kind, uint32_t members, uint32_t size_or_type,
                const std::vector<uint32_t>& tail = {}) {
    for (uint32_t word : {name, kind << 24 | members, size_or_type})
      append(types_, word);
    for (uint32_t word : tail)
      append(types_, word);
    return ++count_;
  }

  Bytes build() const {
    Bytes out;
    append(out, uint16_t{0xeb9f});
    append(out, uint16_t{1}); // version 1, no flags
    for (uint32_t word : {24u, 0u, uint32_t(types_.size()), uint32_t(types_.size()), uint32_t(strings_.size())})
      append(out, word);
    append(out, std::span<const uint8_t>(types_));
    out.insert(out.end(), strings_.begin(), strings_.end());
    return out;
  }

private:
  Bytes types_;
  std::string strings_ = std::string(1, '\0');
  uint32_t count_ = 0;
};

// `functions` and `lines` begin with the record size.
inline Bytes buildBtfExt(const std::vector<uint32_t>& functions, const std::vector<uint32_t>& lines) {
  Bytes out;
  append(out, uint16_t{0xeb9f});
  append(out, uint16_t{1});
  uint32_t first = functions.size() * 4, second = lines.size() * 4;
  for (uint32_t word : {24u, 0u, first, first, second})
    append(out, word);
  for (uint32_t word : functions)
    append(out, word);
  for (uint32_t word : lines)
    append(out, word);
  return out;
}

} // namespace xdpc::support
