// Relocations follow libbpf: a symbol of `.maps` is the map (BPF_PSEUDO_MAP_FD), a symbol of a data section is an
// address in the value of the map that stands for the section (BPF_PSEUDO_MAP_VALUE), at symbol value + addend.
#include "runtime/object/link.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

namespace xdpc::object {
namespace {

constexpr size_t kMaxInstructions = 1'000'000; // BPF_COMPLEXITY_LIMIT_INSNS: no kernel takes more
constexpr uint8_t kLoadImmediate64 = BPF_LD | BPF_IMM | BPF_DW;
constexpr uint8_t kCall = BPF_JMP | BPF_CALL;

struct CodeSection {
  uint32_t number;
  uint32_t start; // number of its first instruction
  uint32_t count;
};

std::optional<ObjectError> appendCode(const Section& section, std::vector<Instruction>& program) {
  if (section.bytes.size() != section.size || section.size % sizeof(Instruction) != 0)
    return ObjectError{fmt::format("section `{}` is no row of instructions", section.name)};
  size_t start = program.size(), count = section.size / sizeof(Instruction);
  if (start + count > kMaxInstructions)
    return ObjectError{fmt::format("the program is longer than {} instructions", kMaxInstructions)};
  program.resize(start + count);
  if (count > 0)
    std::memcpy(program.data() + start, section.bytes.data(), section.size);
  return {};
}

class Linker {
public:
  Linker(const ElfFile& elf, const abi::Manifest& manifest) : elf_(elf), manifest_(manifest) {}

  Result<LinkedCode, ObjectError> run() {
    auto main = elf_.find(abi::kProgramSection);
    if (!main || elf_.sections[*main].size == 0)
      return ObjectError{fmt::format("no section `{}`: not an object of xdpc", abi::kProgramSection)};
    if (auto error = append(*main))
      return *error;
    code_.text_start = code_.program.size();
    if (auto text = elf_.find(".text"))
      if (auto error = append(*text))
        return *error;
    for (const CodeSection& section : sections_)
      for (const Relocation& relocation : elf_.relocations[section.number])
        if (auto error = relocate(section, relocation))
          return *error;
    std::ranges::sort(code_.references, {}, &MapReference::instruction);
    if (auto error = checkCalls())
      return *error;
    return std::move(code_);
  }

private:
  std::optional<ObjectError> append(uint32_t number) {
    uint32_t start = code_.program.size();
    if (auto error = appendCode(elf_.sections[number], code_.program))
      return error;
    sections_.push_back({number, start, uint32_t(code_.program.size() - start)});
    return {};
  }

  std::optional<ObjectError> relocate(const CodeSection& section, const Relocation& relocation) {
    uint64_t index = relocation.offset / sizeof(Instruction);
    if (relocation.offset % sizeof(Instruction) != 0 || index >= section.count)
      return ObjectError{fmt::format("a relocation of `{}` lies outside it", elf_.sections[section.number].name)};
    uint32_t at = section.start + uint32_t(index);
    const Symbol& symbol = elf_.symbols[relocation.symbol];
    if (relocation.type == R_BPF_64_32)
      return relocateCall(at, symbol);
    if (relocation.type == R_BPF_64_64 && code_.program[at].code == kLoadImmediate64 && index + 1 < section.count)
      return relocateLoad(at, symbol);
    return ObjectError{
        fmt::format("instruction {} has a relocation of type {} that does not fit it", at, relocation.type)};
  }

  std::optional<ObjectError> relocateCall(uint32_t at, const Symbol& symbol) {
    Instruction& insn = code_.program[at];
    if (insn.code != kCall || insn.src != BPF_PSEUDO_CALL)
      return ObjectError{fmt::format("instruction {} has the relocation of a call and is none", at)};
    // The immediate is -1 with a function's symbol, and the distance in the section, less one, with the section's
    // symbol.
    auto target = textTarget(symbol, int64_t(symbol.value / sizeof(Instruction)) + insn.imm + 1);
    if (!target)
      return unknown(at, symbol);
    insn.imm = int32_t(*target) - int32_t(at) - 1;
    return {};
  }

  std::optional<ObjectError> relocateLoad(uint32_t at, const Symbol& symbol) {
    if (symbol.section == SHN_UNDEF || symbol.section >= elf_.sections.size())
      return unknown(at, symbol);
    const std::string& section = elf_.sections[symbol.section].name;
    if (section == ".text")
      return relocateFunction(at, symbol);
    bool value = section != ".maps";
    auto map = value ? mapOfSection(section) : mapByName(symbol.name);
    if (!map)
      return unknown(at, symbol);
    Instruction& insn = code_.program[at];
    uint64_t offset = value ? symbol.value + uint64_t(int64_t(insn.imm)) : 0;
    if (value && offset >= manifest_.maps[*map].value_size)
      return ObjectError{fmt::format("instruction {} refers to byte {} of `{}`, which has {}", at, offset,
                                     manifest_.maps[*map].name, manifest_.maps[*map].value_size)};
    insn.src = value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
    insn.imm = 0;
    code_.program[at + 1].imm = int32_t(offset);
    code_.references.push_back({at, *map, value, uint32_t(offset)});
    return {};
  }

  std::optional<ObjectError> relocateFunction(uint32_t at, const Symbol& symbol) {
    Instruction& insn = code_.program[at];
    auto target = textTarget(symbol, (int64_t(symbol.value) + insn.imm) / int64_t(sizeof(Instruction)));
    if (!target)
      return unknown(at, symbol);
    insn.src = BPF_PSEUDO_FUNC;
    insn.imm = int32_t(*target) - int32_t(at) - 1;
    return {};
  }

  // Number of the instruction that lies `index` instructions into `.text`, if the symbol is there at all.
  std::optional<uint32_t> textTarget(const Symbol& symbol, int64_t index) const {
    if (symbol.section == SHN_UNDEF || symbol.section >= elf_.sections.size() ||
        elf_.sections[symbol.section].name != ".text" || symbol.value % sizeof(Instruction) != 0)
      return {};
    int64_t count = int64_t(code_.program.size()) - code_.text_start;
    if (index < 0 || index >= count)
      return {};
    return code_.text_start + uint32_t(index);
  }

  std::optional<uint32_t> mapByName(std::string_view name) const {
    for (uint32_t i = 0; i < manifest_.maps.size(); ++i)
      if (manifest_.maps[i].name == name)
        return i;
    return {};
  }

  std::optional<uint32_t> mapOfSection(std::string_view section) const {
    for (uint32_t i = 0; i < manifest_.maps.size(); ++i)
      if (section == abi::kConfigSection && manifest_.maps[i].role == abi::MapRole::config)
        return i;
    if (auto map = mapByName(section))
      return map;
    for (std::string_view prefix : {".bss.", ".data.", ".rodata."})
      if (section.starts_with(prefix))
        return mapByName(section.substr(prefix.size()));
    return {};
  }

  ObjectError unknown(uint32_t at, const Symbol& symbol) const {
    bool in_section = symbol.section != SHN_UNDEF && symbol.section < elf_.sections.size();
    const std::string& name = symbol.name.empty() && in_section ? elf_.sections[symbol.section].name : symbol.name;
    return {fmt::format("instruction {} refers to `{}`, which is no map and no function of the object", at, name)};
  }

  // After linking every target of a call is known: a wrong one would run something else than was compiled.
  std::optional<ObjectError> checkCalls() const {
    for (size_t i = 0; i < code_.program.size(); ++i) {
      const Instruction& insn = code_.program[i];
      if (insn.code == kCall && insn.src == BPF_PSEUDO_CALL) {
        int64_t target = int64_t(i) + 1 + insn.imm;
        if (target < 0 || target >= int64_t(code_.program.size()))
          return ObjectError{fmt::format("instruction {} calls a function outside the program", i)};
      }
      i += insn.code == kLoadImmediate64; // its second half is no instruction
    }
    return {};
  }

  const ElfFile& elf_;
  const abi::Manifest& manifest_;
  std::vector<CodeSection> sections_;
  LinkedCode code_;
};

} // namespace

Result<LinkedCode, ObjectError> linkCode(const ElfFile& elf, const abi::Manifest& manifest) {
  return Linker(elf, manifest).run();
}

} // namespace xdpc::object
