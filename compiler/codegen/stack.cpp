// Reads the code: BPF's back end addresses its frame by R10 and a constant alone.
#include "compiler/codegen/stack.h"
#include "compiler/codegen/elf_parts.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <cstring>
#include <linux/bpf.h>
#include <map>

namespace xdpc::codegen {
namespace {

constexpr unsigned kGranularity = 32;

struct Function {
  unsigned bytes = 0; // of its own frame
  std::vector<uint32_t> calls;
};

bool readsThrough(const bpf_insn& one, unsigned base) {
  const unsigned kind = BPF_CLASS(one.code);
  return kind == BPF_LDX ? one.src_reg == base : (kind == BPF_ST || kind == BPF_STX) && one.dst_reg == base;
}

// Places are below R10: loads and stores, and addresses, which are made by a move and the addition behind it.
unsigned frameBytes(llvm::ArrayRef<uint8_t> code) {
  int lowest = 0;
  bpf_insn before{};
  for (size_t at = 0; at + sizeof(bpf_insn) <= code.size(); at += sizeof(bpf_insn)) {
    bpf_insn one;
    std::memcpy(&one, code.data() + at, sizeof one);
    if (readsThrough(one, BPF_REG_10))
      lowest = std::min<int>(lowest, one.off);
    const bool moved = before.code == (BPF_ALU64 | BPF_MOV | BPF_X) && before.src_reg == BPF_REG_10;
    if (moved && one.code == (BPF_ALU64 | BPF_ADD | BPF_K) && one.dst_reg == before.dst_reg)
      lowest = std::min<int>(lowest, one.imm);
    before = one;
  }
  return static_cast<unsigned>(-lowest);
}

class Calls {
public:
  explicit Calls(const ElfParts& object) {
    for (uint32_t index = 0; index < object.symbols.size(); ++index) {
      const ElfSymbol& symbol = object.symbols[index];
      if (symbol.section == ElfSymbol::kUndefined || (symbol.info & 0xf) != llvm::ELF::STT_FUNC)
        continue;
      const ElfSection& section = object.sections[symbol.section];
      const uint64_t end = symbol.value + symbol.size;
      Function& function = functions_[index];
      function.bytes = frameBytes(llvm::ArrayRef(section.bytes).slice(symbol.value, symbol.size));
      for (const ElfRelocation& one : section.relocations)
        if (one.type == llvm::ELF::R_BPF_64_32 && one.offset >= symbol.value && one.offset < end)
          function.calls.push_back(one.symbol);
    }
  }

  unsigned deepest() {
    unsigned most = 0;
    for (const auto& [index, function] : functions_)
      most = std::max(most, from(index));
    return most;
  }

private:
  unsigned from(uint32_t index) {
    const auto [known, fresh] = depths_.try_emplace(index, 0);
    if (!fresh)
      return known->second;
    const auto function = functions_.find(index);
    if (function == functions_.end())
      return 0;
    unsigned below = 0;
    for (const uint32_t call : function->second.calls)
      below = std::max(below, from(call));
    return depths_[index] = below + llvm::alignTo(std::max(function->second.bytes, 1u), kGranularity);
  }

  std::map<uint32_t, Function> functions_; // by symbol
  std::map<uint32_t, unsigned> depths_;
};

} // namespace

unsigned stackBytes(llvm::ArrayRef<uint8_t> object) {
  if (object.empty())
    return 0;
  return Calls(readElf(llvm::StringRef(reinterpret_cast<const char*>(object.data()), object.size()))).deepest();
}

} // namespace xdpc::codegen
