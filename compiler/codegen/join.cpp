// Sections are what moves: each function has one, and what refers to it follows.
#include "compiler/codegen/join.h"
#include "compiler/codegen/btf_join.h"
#include "compiler/codegen/elf_parts.h"
#include "compiler/lower/parameter.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/Twine.h>
#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

namespace xdpc::codegen {
namespace {

constexpr llvm::StringRef kText = ".text";
constexpr unsigned kInstructionBytes = 8, kImmediateOffset = 4;

// A section, or a symbol, of one of the objects.
struct Id {
  uint32_t object = 0, index = 0;
  auto operator<=>(const Id&) const = default;
};

struct Place {
  uint32_t section = 0; // of what comes out
  uint64_t offset = 0;
};

bool isFunction(const ElfSection& section) { // not a program, whose section says its type
  return section.isCode() && llvm::StringRef(section.name).starts_with(kText);
}

// What the kernel gets; debug information is not allocated.
bool isKept(const ElfSection& section) {
  return (section.flags & llvm::ELF::SHF_ALLOC) && !isFunction(section) && section.size > 0;
}

class Joining {
public:
  Joining(llvm::ArrayRef<llvm::SmallString<0>> objects, llvm::ArrayRef<lower::Substitute> substitutes) {
    llvm::StringMap<const lower::Substitute*> by_name;
    for (const lower::Substitute& one : substitutes)
      by_name[one.function] = &one;
    for (const llvm::SmallString<0>& object : objects) {
      inputs_.push_back(readElf(object));
      replaceCode(inputs_.back(), by_name);
    }
    result_.flags = inputs_.front().flags;
  }

  std::vector<uint8_t> run() {
    for (uint32_t object = 0; object < inputs_.size(); ++object)
      for (uint32_t index = 0; index < inputs_[object].symbols.size(); ++index)
        if (const ElfSymbol& symbol = inputs_[object].symbols[index];
            !symbol.isLocal() && symbol.section != ElfSymbol::kUndefined)
          definitions_.try_emplace(symbol.name, Id{object, index});
    placeFunctions();
    placeOthers();
    addTypes();
    addSymbols();
    for (const auto& [id, place] : places_)
      addRelocations(id, place);
    return writeElf(result_);
  }

private:
  static void replaceCode(ElfParts& object, const llvm::StringMap<const lower::Substitute*>& substitutes) {
    const size_t symbols = object.symbols.size();
    for (size_t index = 0; index < symbols; ++index) {
      const auto found = object.symbols[index].section == ElfSymbol::kUndefined
                             ? substitutes.end()
                             : substitutes.find(object.symbols[index].name);
      if (found == substitutes.end())
        continue;
      const lower::Substitute& substitute = *found->second;
      ElfSection& section = object.sections[object.symbols[index].section];
      section.bytes.assign(substitute.prepared->code.begin(), substitute.prepared->code.end());
      section.size = object.symbols[index].size = section.bytes.size();
      section.relocations.clear();
      const auto first = static_cast<uint32_t>(object.symbols.size());
      for (const std::string& name : substitute.references)
        object.symbols.push_back({.name = name, .info = llvm::ELF::STB_GLOBAL << 4});
      for (const lower::PreparedRelocation& one : substitute.prepared->relocations)
        section.relocations.push_back({one.offset, one.type, first + one.reference});
    }
  }

  const ElfSection& sectionOf(Id id) const { return inputs_[id.object].sections[id.index]; }
  const ElfSymbol& symbolOf(Id id) const { return inputs_[id.object].symbols[id.index]; }

  // Where a symbol is defined, by whatever object.
  Id definitionOf(Id reference) const {
    const ElfSymbol& symbol = symbolOf(reference);
    if (symbol.section != ElfSymbol::kUndefined)
      return reference;
    const auto found = definitions_.find(symbol.name);
    if (found == definitions_.end())
      llvm::report_fatal_error(llvm::Twine("nobody defines ") + symbol.name);
    return found->second;
  }

  // In the order of the objects, those that a program reaches.
  void placeFunctions() {
    std::set<Id> reached;
    std::vector<Id> next;
    for (uint32_t object = 0; object < inputs_.size(); ++object)
      for (uint32_t index = 0; index < inputs_[object].sections.size(); ++index)
        if (isKept(inputs_[object].sections[index]))
          next.push_back({object, index});
    while (!next.empty()) {
      const Id from = next.back();
      next.pop_back();
      for (const ElfRelocation& relocation : sectionOf(from).relocations) {
        if (parameterOf({from.object, relocation.symbol}))
          continue;
        const Id definition = definitionOf({from.object, relocation.symbol});
        const Id section{definition.object, symbolOf(definition).section};
        if (symbolOf(definition).isHidden())
          parts_.insert(section);
        if (isFunction(sectionOf(section)) && reached.insert(section).second)
          next.push_back(section);
      }
    }
    std::erase_if(reached, [&](const Id& id) { return parts_.contains(id); });
    if (reached.empty())
      return;
    result_.sections.push_back({.name = kText.str(),
                                .type = llvm::ELF::SHT_PROGBITS,
                                .flags = llvm::ELF::SHF_ALLOC | llvm::ELF::SHF_EXECINSTR,
                                .alignment = kInstructionBytes});
    for (const Id& id : reached)
      append(id, 0);
  }

  void placeOthers() {
    for (uint32_t object = 0; object < inputs_.size(); ++object)
      for (uint32_t index = 0; index < inputs_[object].sections.size(); ++index) {
        const Id id{object, index};
        const ElfSection& section = sectionOf(id);
        if (!isKept(section))
          continue;
        if (object > 0)
          llvm::report_fatal_error(llvm::Twine("a share of the functions has data: ") + section.name);
        places_[id] = {static_cast<uint32_t>(result_.sections.size()), 0};
        result_.sections.push_back({section.name,
                                    section.type,
                                    section.flags,
                                    section.alignment,
                                    section.size,
                                    std::move(inputs_[object].sections[index].bytes),
                                    {}});
        if (section.isCode())
          for (const Id& part : parts_)
            append(part, places_[id].section);
      }
  }

  void append(Id id, uint32_t to) {
    const ElfSection& section = sectionOf(id);
    ElfSection& out = result_.sections[to];
    places_[id] = {to, out.size};
    out.bytes.insert(out.bytes.end(), section.bytes.begin(), section.bytes.end());
    out.size = out.bytes.size();
  }

  std::optional<Id> numberOf(uint32_t object, llvm::StringRef name) const {
    const auto& sections = inputs_[object].sections;
    const auto found = std::ranges::find(sections, name, &ElfSection::name);
    return found == sections.end() ? std::nullopt
                                   : std::optional(Id{object, static_cast<uint32_t>(found - sections.begin())});
  }

  const ElfSection* find(uint32_t object, llvm::StringRef name) const {
    const auto id = numberOf(object, name);
    return id ? &sectionOf(*id) : nullptr;
  }

  void addTypes() {
    const ElfSection *types = find(0, ".BTF"), *of_code = find(0, ".BTF.ext");
    if (!types || !of_code)
      return;
    std::vector<uint8_t> btf = types->bytes;
    BtfExt ext;
    for (uint32_t object = 0; object < inputs_.size(); ++object) {
      const ElfSection *more = find(object, ".BTF"), *more_of_code = find(object, ".BTF.ext");
      if (!more || !more_of_code)
        continue;
      const BtfShift shift = object == 0 ? BtfShift{} : appendBtf(btf, more->bytes);
      ext.add(more_of_code->bytes, more->bytes, shift, [&](llvm::StringRef name) { return placeOf(object, name); });
    }
    auto written = ext.write([&](const std::string& name) { return btfString(btf, name); });
    addSection(*types, std::move(btf));
    addSection(*of_code, std::move(written));
  }

  std::optional<BtfPlace> placeOf(uint32_t object, llvm::StringRef name) const {
    const auto id = numberOf(object, name);
    const auto place = id ? places_.find(*id) : places_.end();
    if (place == places_.end())
      return {};
    return BtfPlace{result_.sections[place->second.section].name, static_cast<uint32_t>(place->second.offset),
                    !parts_.contains(*id)};
  }

  void addSection(const ElfSection& like, std::vector<uint8_t> bytes) {
    const uint64_t size = bytes.size();
    result_.sections.push_back({like.name, like.type, like.flags, like.alignment, size, std::move(bytes), {}});
  }

  // Sections that something refers to, and all that has a name for others.
  void addSymbols() {
    for (const auto& [id, _] : places_)
      for (const ElfRelocation& relocation : sectionOf(id).relocations) {
        if (parameterOf({id.object, relocation.symbol}))
          continue;
        const Id definition = definitionOf({id.object, relocation.symbol});
        if (const ElfSymbol& symbol = symbolOf(definition); symbol.isLocal())
          addSymbol(definition);
      }
    for (uint32_t object = 0; object < inputs_.size(); ++object)
      for (uint32_t index = 0; index < inputs_[object].symbols.size(); ++index) {
        const ElfSymbol& symbol = inputs_[object].symbols[index];
        if (!symbol.isLocal() && !symbol.isHidden() && symbol.section != ElfSymbol::kUndefined &&
            places_.contains({object, symbol.section}))
          addSymbol({object, index});
      }
  }

  void addSymbol(Id id) {
    ElfSymbol symbol = symbolOf(id);
    const Place place = places_.at({id.object, symbol.section});
    if (symbol.isSection() && sections_.contains(place.section)) {
      numbers_[id] = sections_.at(place.section);
      return;
    }
    const auto number = static_cast<uint32_t>(result_.symbols.size());
    if (!numbers_.try_emplace(id, number).second)
      return;
    if (inputs_[id.object].sections[symbol.section].isCode() && !isFunction(sectionOf({id.object, symbol.section})))
      symbol.size = result_.sections[place.section].size; // with its parts
    symbol.section = place.section;
    symbol.value = symbol.isSection() ? 0 : symbol.value + place.offset;
    if (symbol.isSection())
      sections_[place.section] = number;
    result_.symbols.push_back(std::move(symbol));
  }

  void addRelocations(Id id, const Place& place) {
    ElfSection& out = result_.sections[place.section];
    for (const ElfRelocation& relocation : sectionOf(id).relocations) {
      const uint64_t offset = relocation.offset + place.offset;
      if (const auto value = parameterOf({id.object, relocation.symbol})) {
        writeImmediate(out, offset, *value);
        continue;
      }
      const Id definition = definitionOf({id.object, relocation.symbol});
      if (symbolOf(definition).isHidden()) {
        jumpTo(out, offset, places_.at({definition.object, symbolOf(definition).section}).offset);
        continue;
      }
      if (symbolOf(definition).isSection())
        moveAddend(out, offset, relocation.type, places_.at({definition.object, symbolOf(definition).section}).offset);
      out.relocations.push_back({offset, relocation.type, numbers_.at(definition)});
    }
  }

  std::optional<uint64_t> parameterOf(Id reference) const {
    const ElfSymbol& symbol = symbolOf(reference);
    return symbol.section == ElfSymbol::kUndefined ? lower::parameterValue(symbol.name) : std::nullopt;
  }

  // Of an instruction that loads 64 bits: the lower half in its immediate, the upper one in that of its second word.
  static void writeImmediate(ElfSection& out, uint64_t at, uint64_t value) {
    for (unsigned half = 0; half < 2; ++half) {
      const auto bits = static_cast<uint32_t>(value >> (32 * half));
      std::memcpy(out.bytes.data() + at + half * kInstructionBytes + kImmediateOffset, &bits, sizeof bits);
    }
  }

  // In place of a call that does not return, in the same section.
  static void jumpTo(ElfSection& out, uint64_t at, uint64_t target) {
    constexpr uint8_t kJump = 0x05; // BPF_JMP | BPF_JA
    const int64_t instructions = (static_cast<int64_t>(target) - static_cast<int64_t>(at)) / kInstructionBytes - 1;
    if (!llvm::isInt<16>(instructions))
      llvm::report_fatal_error("a jump is out of insn range");
    const uint64_t jump = kJump | static_cast<uint64_t>(static_cast<uint16_t>(instructions)) << 16;
    std::memcpy(out.bytes.data() + at, &jump, sizeof jump);
  }

  // The addend counts from where the section began.
  static void moveAddend(ElfSection& out, uint64_t at, uint32_t type, uint64_t bytes) {
    uint32_t addend;
    uint8_t* field = out.bytes.data() + at + kImmediateOffset;
    std::memcpy(&addend, field, sizeof addend);
    addend += static_cast<uint32_t>(type == llvm::ELF::R_BPF_64_32 ? bytes / kInstructionBytes : bytes);
    std::memcpy(field, &addend, sizeof addend);
  }

  std::vector<ElfParts> inputs_;
  ElfParts result_;
  llvm::StringMap<Id> definitions_;       // by name
  std::map<Id, Place> places_;            // of sections that are in what comes out
  std::set<Id> parts_;                    // sections of functions that become the end of the program
  std::map<Id, uint32_t> numbers_;        // of symbols there
  std::map<uint32_t, uint32_t> sections_; // symbols that stand for sections, by section
};

} // namespace

std::vector<uint8_t> join(llvm::ArrayRef<llvm::SmallString<0>> objects, llvm::ArrayRef<lower::Substitute> substitutes) {
  return Joining(objects, substitutes).run();
}

} // namespace xdpc::codegen
