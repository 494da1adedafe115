// The stack of chains of calls, from the code.
#include "compiler/codegen/stack.h"
#include "tests/support/elf_builder.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

namespace xdpc::codegen {
namespace {

using support::Bytes;
using support::ElfBuilder;

constexpr uint64_t kCode = SHF_ALLOC | SHF_EXECINSTR;
constexpr uint32_t kCall = 10; // R_BPF_64_32

Bytes bytesOf(const std::vector<bpf_insn>& code) {
  const auto* from = reinterpret_cast<const uint8_t*>(code.data());
  return {from, from + code.size() * sizeof(bpf_insn)};
}

bpf_insn storeAt(int16_t offset) {
  return {BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_1, offset, 0};
}
bpf_insn loadAt(int16_t offset) {
  return {BPF_LDX | BPF_MEM | BPF_B, BPF_REG_1, BPF_REG_10, offset, 0};
}
bpf_insn call() {
  return {BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, -1};
}
bpf_insn move(uint8_t to, uint8_t from) {
  return {BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0};
}
bpf_insn add(uint8_t to, int32_t number) {
  return {BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, number};
}

struct Object {
  ElfBuilder elf;
  uint32_t section, first;

  explicit Object(const std::vector<bpf_insn>& code)
      : section(elf.section("xdp", bytesOf(code), SHT_PROGBITS, kCode)), first(function("main", section, code.size())) {
  }

  uint32_t function(const char* name, uint32_t in, size_t instructions) {
    return elf.symbol(name, in, 0, STT_FUNC, STV_DEFAULT, instructions * sizeof(bpf_insn));
  }
  // Calls it from the instruction with the number.
  uint32_t calling(uint32_t from, unsigned at, const char* name, const std::vector<bpf_insn>& code) {
    const uint32_t own = elf.section(std::string(".text.") + name, bytesOf(code), SHT_PROGBITS, kCode);
    elf.relocate(from, at * sizeof(bpf_insn), kCall, function(name, own, code.size()));
    return own;
  }
};

TEST(Stack, AFrameReachesAsFarAsItsLowestPlace) {
  EXPECT_EQ(stackBytes(Object({move(1, 2)}).elf.build()), 32u); // the verifier gives every function as much
  EXPECT_EQ(stackBytes(Object({storeAt(-8)}).elf.build()), 32u);
  EXPECT_EQ(stackBytes(Object({storeAt(-8), loadAt(-64)}).elf.build()), 64u);
  EXPECT_EQ(stackBytes(Object({move(3, BPF_REG_10), add(3, -72), storeAt(-8)}).elf.build()), 96u);
  EXPECT_EQ(stackBytes(Object({move(3, 4), add(3, -200)}).elf.build()), 32u); // no place of the frame
}

TEST(Stack, TheDeepestChainOfCallsCounts) {
  Object object({storeAt(-100), call(), call()});
  object.calling(object.section, 1, "shallow", {storeAt(-8)});
  const uint32_t middle = object.calling(object.section, 2, "middle", {storeAt(-40), call()});
  object.calling(middle, 1, "deep", {storeAt(-300)});
  EXPECT_EQ(stackBytes(object.elf.build()), 128u + 64u + 320u);
}

TEST(Stack, AnEmptyObjectHasNone) {
  EXPECT_EQ(stackBytes({}), 0u);
}

} // namespace
} // namespace xdpc::codegen
