// Reads with LLVM's ELF library and writes by hand: LLVM has no writer of ELF but its assembler.
#include "compiler/codegen/elf_parts.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/MC/StringTableBuilder.h>
#include <llvm/Object/ELF.h>
#include <llvm/Support/Error.h>

#include <algorithm>
#include <cstring>

namespace xdpc::codegen {
namespace {

using Types = llvm::object::ELF64LE;

bool isOurs(const Types::Shdr& header) {
  return header.sh_type != llvm::ELF::SHT_NULL && header.sh_type != llvm::ELF::SHT_SYMTAB &&
         header.sh_type != llvm::ELF::SHT_STRTAB && header.sh_type != llvm::ELF::SHT_REL;
}

class Reader {
public:
  explicit Reader(llvm::StringRef file)
      : elf_(llvm::cantFail(llvm::object::ELFFile<Types>::create(file))), headers_(llvm::cantFail(elf_.sections())) {}

  ElfParts run() {
    parts_.flags = elf_.getHeader().e_flags;
    indexes_.assign(headers_.size(), ElfSymbol::kUndefined);
    for (size_t i = 0; i < headers_.size(); ++i)
      if (isOurs(headers_[i]))
        readSection(i);
    for (const Types::Shdr& header : headers_)
      if (header.sh_type == llvm::ELF::SHT_SYMTAB)
        readSymbols(header);
    for (const Types::Shdr& header : headers_)
      if (header.sh_type == llvm::ELF::SHT_REL && indexes_[header.sh_info] != ElfSymbol::kUndefined)
        readRelocations(header);
    return std::move(parts_);
  }

private:
  void readSection(size_t number) {
    const Types::Shdr& header = headers_[number];
    ElfSection section{.name = llvm::cantFail(elf_.getSectionName(header)).str(),
                       .type = header.sh_type,
                       .flags = header.sh_flags,
                       .alignment = header.sh_addralign,
                       .size = header.sh_size};
    if (header.sh_type != llvm::ELF::SHT_NOBITS) {
      const auto bytes = llvm::cantFail(elf_.getSectionContents(header));
      section.bytes.assign(bytes.begin(), bytes.end());
    }
    indexes_[number] = static_cast<uint32_t>(parts_.sections.size());
    parts_.sections.push_back(std::move(section));
  }

  void readSymbols(const Types::Shdr& table) {
    const llvm::StringRef names = llvm::cantFail(elf_.getStringTableForSymtab(table));
    for (const Types::Sym& symbol : llvm::cantFail(elf_.symbols(&table))) {
      const uint32_t section = symbol.st_shndx < indexes_.size() ? indexes_[symbol.st_shndx] : ElfSymbol::kUndefined;
      parts_.symbols.push_back({llvm::cantFail(symbol.getName(names)).str(), section, symbol.st_value, symbol.st_size,
                                symbol.st_info, symbol.st_other});
    }
  }

  void readRelocations(const Types::Shdr& header) {
    ElfSection& section = parts_.sections[indexes_[header.sh_info]];
    for (const Types::Rel& relocation : llvm::cantFail(elf_.rels(header)))
      section.relocations.push_back({relocation.r_offset, relocation.getType(false), relocation.getSymbol(false)});
  }

  llvm::object::ELFFile<Types> elf_;
  llvm::ArrayRef<Types::Shdr> headers_;
  ElfParts parts_;
  std::vector<uint32_t> indexes_; // into parts_.sections, by number in the file
};

class Writer {
public:
  explicit Writer(const ElfParts& parts) : parts_(parts), strings_(llvm::StringTableBuilder::ELF) {}

  std::vector<uint8_t> run() {
    collectStrings();
    bytes_.resize(sizeof(Types::Ehdr));
    addHeader({}); // number 0 is nobody's
    std::vector<uint32_t> numbers;
    const auto symbol_table =
        static_cast<uint32_t>(1 + parts_.sections.size() + std::ranges::count_if(parts_.sections, [](const auto& s) {
                                return !s.relocations.empty();
                              }));
    for (const ElfSection& section : parts_.sections) {
      numbers.push_back(static_cast<uint32_t>(headers_.size()));
      addSection(section, symbol_table);
    }
    addSymbols(numbers);
    addStrings();
    finish();
    return std::move(bytes_);
  }

private:
  struct Named {
    llvm::StringRef name;
    uint32_t type = 0;
    uint64_t flags = 0, size = 0;
    uint32_t link = 0, info = 0;
    uint64_t alignment = 0, entry_size = 0;
  };

  void collectStrings() {
    for (const ElfSection& section : parts_.sections) {
      strings_.add(section.name);
      if (!section.relocations.empty())
        relocation_names_.push_back(".rel" + section.name);
    }
    for (const std::string& name : relocation_names_)
      strings_.add(name);
    for (const ElfSymbol& symbol : parts_.symbols)
      strings_.add(symbol.name);
    strings_.add(".symtab");
    strings_.add(".strtab");
    strings_.finalize();
  }

  void addHeader(const Named& named) {
    Types::Shdr header = {};
    header.sh_name = named.name.empty() ? 0 : static_cast<uint32_t>(strings_.getOffset(named.name));
    header.sh_type = named.type;
    header.sh_flags = named.flags;
    if (named.type != llvm::ELF::SHT_NULL) {
      const uint64_t alignment = std::max<uint64_t>(named.alignment, 1);
      bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
      header.sh_offset = bytes_.size();
    }
    header.sh_size = named.size;
    header.sh_link = named.link;
    header.sh_info = named.info;
    header.sh_addralign = named.alignment;
    header.sh_entsize = named.entry_size;
    headers_.push_back(header);
  }

  template <class T> void append(const T& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
  }

  void addSection(const ElfSection& section, uint32_t symbol_table) {
    addHeader({section.name, section.type, section.flags, section.size, 0, 0, section.alignment});
    bytes_.insert(bytes_.end(), section.bytes.begin(), section.bytes.end());
    if (section.relocations.empty())
      return;
    const auto number = static_cast<uint32_t>(headers_.size()) - 1;
    addHeader({relocation_names_[next_relocations_++], llvm::ELF::SHT_REL, llvm::ELF::SHF_INFO_LINK,
               section.relocations.size() * sizeof(Types::Rel), symbol_table, number, 8, sizeof(Types::Rel)});
    for (const ElfRelocation& from : section.relocations) {
      Types::Rel relocation = {};
      relocation.r_offset = from.offset;
      relocation.setSymbolAndType(from.symbol + 1, from.type, false); // behind the empty one
      append(relocation);
    }
  }

  void addSymbols(const std::vector<uint32_t>& numbers) {
    const auto locals = std::ranges::count_if(parts_.symbols, [](const ElfSymbol& s) { return s.isLocal(); });
    addHeader({".symtab", llvm::ELF::SHT_SYMTAB, 0, (parts_.symbols.size() + 1) * sizeof(Types::Sym),
               static_cast<uint32_t>(headers_.size()) + 1, static_cast<uint32_t>(locals) + 1, 8, sizeof(Types::Sym)});
    append(Types::Sym{});
    for (const ElfSymbol& from : parts_.symbols) {
      Types::Sym symbol = {};
      symbol.st_name = from.name.empty() ? 0 : static_cast<uint32_t>(strings_.getOffset(from.name));
      symbol.st_shndx =
          static_cast<uint16_t>(from.section == ElfSymbol::kUndefined ? llvm::ELF::SHN_UNDEF : numbers[from.section]);
      symbol.st_value = from.value;
      symbol.st_size = from.size;
      symbol.st_info = from.info;
      symbol.st_other = from.other;
      append(symbol);
    }
  }

  void addStrings() {
    addHeader({".strtab", llvm::ELF::SHT_STRTAB, 0, strings_.getSize(), 0, 0, 1});
    const size_t start = bytes_.size();
    bytes_.resize(start + strings_.getSize());
    strings_.write(bytes_.data() + start);
  }

  void finish() {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    Types::Ehdr header = {};
    std::memcpy(header.e_ident, llvm::ELF::ElfMagic, 4);
    header.e_ident[llvm::ELF::EI_CLASS] = llvm::ELF::ELFCLASS64;
    header.e_ident[llvm::ELF::EI_DATA] = llvm::ELF::ELFDATA2LSB;
    header.e_ident[llvm::ELF::EI_VERSION] = llvm::ELF::EV_CURRENT;
    header.e_type = llvm::ELF::ET_REL;
    header.e_machine = llvm::ELF::EM_BPF;
    header.e_version = llvm::ELF::EV_CURRENT;
    header.e_flags = parts_.flags;
    header.e_shoff = bytes_.size();
    header.e_ehsize = sizeof header;
    header.e_shentsize = sizeof(Types::Shdr);
    header.e_shnum = static_cast<uint16_t>(headers_.size());
    header.e_shstrndx = static_cast<uint16_t>(headers_.size() - 1);
    std::memcpy(bytes_.data(), &header, sizeof header);
    for (const Types::Shdr& section : headers_)
      append(section);
  }

  const ElfParts& parts_;
  llvm::StringTableBuilder strings_;
  std::vector<std::string> relocation_names_;
  size_t next_relocations_ = 0;
  std::vector<Types::Shdr> headers_;
  std::vector<uint8_t> bytes_;
};

} // namespace

bool ElfSection::isCode() const {
  return flags & llvm::ELF::SHF_EXECINSTR;
}

bool ElfSymbol::isLocal() const {
  return info >> 4 == llvm::ELF::STB_LOCAL;
}

bool ElfSymbol::isHidden() const {
  return (other & 3) == llvm::ELF::STV_HIDDEN;
}

bool ElfSymbol::isSection() const {
  return (info & 15) == llvm::ELF::STT_SECTION;
}

ElfParts readElf(llvm::StringRef file) {
  return Reader(file).run();
}

std::vector<uint8_t> writeElf(const ElfParts& parts) {
  return Writer(parts).run();
}

} // namespace xdpc::codegen
