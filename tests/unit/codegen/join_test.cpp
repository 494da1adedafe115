// Joining: functions of several objects in one `.text`, without those that nobody calls, and the types of all.
#include "compiler/codegen/join.h"
#include "runtime/object/elf_file.h"
#include "tests/support/elf_builder.h"

#include <gtest/gtest.h>

namespace xdpc::codegen {
namespace {

using support::BtfBuilder;
using support::Bytes;
using support::ElfBuilder;

constexpr uint64_t kCode = SHF_ALLOC | SHF_EXECINSTR;
constexpr uint32_t kCall = 10, kData = 1; // R_BPF_64_32, R_BPF_64_64

// `count` instructions, each with `mark` as its immediate.
Bytes code(unsigned count, uint8_t mark) {
  Bytes bytes;
  for (unsigned i = 0; i < count; ++i)
    support::append(bytes, std::span<const uint8_t>(Bytes{0xb7, 0, 0, 0, mark, 0, 0, 0}));
  return bytes;
}

uint32_t function(ElfBuilder& elf, std::string_view name, unsigned count, uint8_t mark) {
  const uint32_t section = elf.section(".text." + std::string(name), code(count, mark), SHT_PROGBITS, kCode);
  elf.symbol(name, section, 0, STT_FUNC);
  return section;
}

llvm::SmallString<0> text(ElfBuilder& elf) {
  const Bytes bytes = elf.build();
  return llvm::SmallString<0>(llvm::StringRef(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// What comes out, kept for the ElfFile, whose sections refer to it.
struct Joined {
  std::vector<uint8_t> bytes;
  object::ElfFile elf;

  explicit Joined(std::vector<llvm::SmallString<0>> objects, std::vector<lower::Substitute> substitutes = {})
      : bytes(join(objects, substitutes)) {
    auto read = object::readElf(bytes);
    EXPECT_TRUE(read);
    if (read)
      elf = *read;
  }

  std::vector<uint8_t> section(std::string_view name) const {
    const auto number = elf.find(name);
    return number ? std::vector<uint8_t>(elf.sections[*number].bytes.begin(), elf.sections[*number].bytes.end())
                  : std::vector<uint8_t>();
  }
  const object::Symbol* symbol(std::string_view name) const {
    for (const object::Symbol& symbol : elf.symbols)
      if (symbol.name == name)
        return &symbol;
    return nullptr;
  }
};

// A program that calls `near`, of its own object, and `far`, of another.
struct TwoShares {
  ElfBuilder first, second;
  uint32_t program = 0, near = 0, far = 0;

  TwoShares() {
    program = first.section("xdp", code(3, 1), SHT_PROGBITS, kCode);
    first.symbol("main", program, 0, STT_FUNC);
    near = function(first, "near", 2, 2);
    function(first, "unused", 5, 3);
    first.relocate(program, 0, kCall, 2); // near
    first.relocate(program, 8, kCall, first.symbol("far", SHN_UNDEF, 0, STT_NOTYPE));
    far = function(second, "far", 4, 4);
    function(second, "behind", 1, 5);
    second.relocate(far, 8, kCall, 2); // behind
    function(second, "lonely", 7, 6);
  }
  Joined joined(std::vector<lower::Substitute> substitutes = {}) {
    return Joined({text(first), text(second)}, std::move(substitutes));
  }
};

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

TEST(Join, FunctionsThatTheProgramReachesAreInText) {
  const Joined out = TwoShares().joined();
  EXPECT_EQ(out.section(".text"), code(2, 2) + code(4, 4) + code(1, 5));
  EXPECT_EQ(out.section("xdp"), code(3, 1));
  EXPECT_FALSE(out.symbol("unused"));
  EXPECT_FALSE(out.symbol("lonely"));
  ASSERT_TRUE(out.symbol("far"));
  EXPECT_EQ(out.symbol("far")->section, *out.elf.find(".text"));
  EXPECT_EQ(out.symbol("far")->value, 16u);
  EXPECT_EQ(out.symbol("behind")->value, 48u);
}

TEST(Join, CallsFindTheirFunctionWhereverItWas) {
  const Joined out = TwoShares().joined();
  const auto& of_program = out.elf.relocations[*out.elf.find("xdp")];
  ASSERT_EQ(of_program.size(), 2u);
  EXPECT_EQ(out.elf.symbols[of_program[0].symbol].name, "near");
  EXPECT_EQ(out.elf.symbols[of_program[1].symbol].name, "far");
  const auto& of_text = out.elf.relocations[*out.elf.find(".text")];
  ASSERT_EQ(of_text.size(), 1u);
  EXPECT_EQ(of_text[0].offset, 16u + 8u);
  EXPECT_EQ(out.elf.symbols[of_text[0].symbol].name, "behind");
}

TEST(Join, ReferencesThroughASectionMoveWithIt) {
  TwoShares shares;
  const uint32_t hidden = shares.second.section(".text.hidden", code(2, 7), SHT_PROGBITS, kCode);
  shares.second.relocate(shares.far, 16, kCall, shares.second.symbol("", hidden, 0, STT_SECTION));
  const Joined out = shares.joined();
  const auto text = out.section(".text");
  ASSERT_EQ(text.size(), 9u * 8);
  EXPECT_EQ(text[16 + 16 + 4], 4 + 7); // the immediate and the function's place, in instructions
}

TEST(Join, DataStaysAndOtherSharesReferToIt) {
  TwoShares shares;
  const uint32_t data = shares.first.section(".data.test", {1, 2, 3, 4}, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
  shares.first.symbol("test", data, 0);
  shares.first.section(".debug_info", {9, 9}, SHT_PROGBITS);
  shares.second.relocate(shares.far, 0, kData, shares.second.symbol("test", SHN_UNDEF, 0, STT_NOTYPE));
  const Joined out = shares.joined();
  EXPECT_EQ(out.section(".data.test"), (Bytes{1, 2, 3, 4}));
  EXPECT_FALSE(out.elf.find(".debug_info"));
  const auto& of_text = out.elf.relocations[*out.elf.find(".text")];
  ASSERT_EQ(of_text.size(), 2u);
  EXPECT_EQ(out.elf.symbols[of_text[1].symbol].section, *out.elf.find(".data.test")); // in the order of the input
}

TEST(Join, TypesAndLinesOfTheSecondFollowTheFirst) {
  TwoShares shares;
  BtfBuilder one, two;
  const uint32_t integer = one.type(one.string("int"), 1, 0, 4, {32});
  const uint32_t xdp = one.string("xdp");
  const uint32_t main = one.type(one.string("main"), 12, 1, one.type(0, 13, 0, integer));
  shares.first.section(".BTF", one.build());
  shares.first.section(".BTF.ext", support::buildBtfExt({8, xdp, 1, 0, main}, {16, xdp, 1, 0, xdp, xdp, 1 << 10}));
  const uint32_t text = two.string(".text.far"), gone = two.string(".text.lonely"), line = two.string("drop");
  const uint32_t number = two.type(two.string("long"), 1, 0, 8, {64});
  const uint32_t far = two.type(two.string("far"), 12, 1, two.type(0, 13, 1, number, {two.string("a"), number}));
  shares.second.section(".BTF", two.build());
  shares.second.section(
      ".BTF.ext", support::buildBtfExt({8, text, 1, 0, far, gone, 1, 0, far}, {16, text, 1, 8, line, line, 7 << 10}));
  const Joined out = shares.joined();
  const auto btf = out.section(".BTF");
  const auto word = [](const std::vector<uint8_t>& bytes, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  const size_t strings = 24 + word(btf, 16);
  const auto name = [&](uint32_t at) { return std::string(reinterpret_cast<const char*>(&btf[strings + at])); };
  // int, its prototype, main; then long as the fourth, its prototype, far.
  const size_t fourth = 24 + 16 + 12 + 12;
  EXPECT_EQ(name(word(btf, fourth)), "long");
  EXPECT_EQ(word(btf, fourth + 16 + 8), 4u);         // what far returns
  EXPECT_EQ(name(word(btf, fourth + 16 + 12)), "a"); // its parameter
  EXPECT_EQ(word(btf, fourth + 16 + 12 + 4), 4u);
  EXPECT_EQ(name(word(btf, fourth + 16 + 20)), "far");
  EXPECT_EQ(word(btf, fourth + 16 + 20 + 8), 5u);
  // By section: `.text` with far alone, then the program.
  const auto ext = out.section(".BTF.ext");
  const size_t functions = word(ext, 4) + 4;
  EXPECT_EQ(name(word(ext, functions)), ".text");
  EXPECT_EQ(word(ext, functions + 4), 1u);
  EXPECT_EQ(word(ext, functions + 8), 16u); // behind `near`
  EXPECT_EQ(word(ext, functions + 12), 6u);
  EXPECT_EQ(name(word(ext, functions + 16)), "xdp");
  EXPECT_EQ(word(ext, functions + 28), 3u);
  const size_t lines = word(ext, 4) + word(ext, 16) + 4;
  EXPECT_EQ(name(word(ext, lines)), ".text");
  EXPECT_EQ(word(ext, lines + 8), 16u + 8u);
  EXPECT_EQ(name(word(ext, lines + 16)), "drop");
}

TEST(Join, ParametersAreWrittenIntoTheCode) {
  TwoShares shares;
  shares.second.relocate(shares.far, 16, kData,
                         shares.second.symbol("far.buckets=81985529216486895", SHN_UNDEF, 0, STT_NOTYPE));
  const Joined out = shares.joined();
  const auto text = out.section(".text");
  ASSERT_EQ(text.size(), 7u * 8);
  const auto immediate = [&](size_t instruction) { // behind `near`
    uint32_t value = 0;
    std::memcpy(&value, text.data() + (2 + instruction) * 8 + 4, sizeof value);
    return value;
  };
  EXPECT_EQ(immediate(2), 0x89ab'cdefu);
  EXPECT_EQ(immediate(3), 0x0123'4567u);
  EXPECT_EQ(out.elf.relocations[*out.elf.find(".text")].size(), 1u); // the call alone
  EXPECT_FALSE(out.symbol("far.buckets=81985529216486895"));
}

TEST(Join, SubstitutesTakeThePlaceOfFunctions) {
  TwoShares shares;
  const Bytes prepared = code(3, 9);
  const std::vector<lower::PreparedRelocation> relocations = {{8, kCall, 1}, {16, kData, 0}};
  const lower::PreparedFunction function{{1, 2}, prepared, relocations};
  const uint32_t data = shares.first.section(".data.test", {1, 2, 3, 4}, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
  shares.first.symbol("test", data, 0);
  const Joined out = shares.joined({{"far", &function, {"test", "lonely"}}});
  EXPECT_EQ(out.section(".text"), code(2, 2) + prepared + code(7, 6)); // it calls another than it did
  const auto& of_text = out.elf.relocations[*out.elf.find(".text")];
  ASSERT_EQ(of_text.size(), 2u);
  EXPECT_EQ(of_text[0].offset, 16u + 8u);
  EXPECT_EQ(out.elf.symbols[of_text[0].symbol].name, "lonely");
  EXPECT_EQ(out.elf.symbols[of_text[1].symbol].name, "test");
  EXPECT_FALSE(out.symbol("behind"));
}

TEST(Join, HiddenFunctionsBecomeTheEndOfTheProgram) {
  ElfBuilder elf, other;
  const uint32_t program = elf.section("xdp", code(3, 1), SHT_PROGBITS, kCode);
  elf.symbol("main", program, 0, STT_FUNC, STV_DEFAULT, 24);
  elf.relocate(program, 8, kCall, elf.symbol("part", SHN_UNDEF, 0, STT_NOTYPE, STV_HIDDEN));
  const uint32_t part = other.section(".text.part", code(2, 2), SHT_PROGBITS, kCode);
  other.symbol("part", part, 0, STT_FUNC, STV_HIDDEN, 16);
  const uint32_t called = function(other, "called", 4, 4);
  other.relocate(part, 8, kCall, 2); // called
  static_cast<void>(called);
  BtfBuilder one, two;
  one.type(one.string("int"), 1, 0, 4, {32});
  const uint32_t xdp = one.string("xdp");
  elf.section(".BTF", one.build());
  elf.section(".BTF.ext", support::buildBtfExt({8, xdp, 1, 0, 1}, {16, xdp, 1, 0, xdp, xdp, 1 << 10}));
  const uint32_t type = two.type(two.string("part"), 12, 1, two.type(0, 13, 0, 0)), name = two.string(".text.part");
  other.section(".BTF", two.build());
  other.section(".BTF.ext", support::buildBtfExt({8, name, 1, 0, type}, {16, name, 1, 0, name, name, 2 << 10}));

  const Joined out({text(elf), text(other)});
  const auto whole = out.section("xdp");
  ASSERT_EQ(whole.size(), 5u * 8);
  EXPECT_EQ(Bytes(whole.begin() + 8, whole.begin() + 16), (Bytes{0x05, 0, 1, 0, 0, 0, 0, 0})); // over the last one
  EXPECT_EQ(Bytes(whole.begin() + 24, whole.end()), code(2, 2));
  EXPECT_EQ(out.section(".text"), code(4, 4));
  EXPECT_FALSE(out.symbol("part"));
  const auto& relocations = out.elf.relocations[*out.elf.find("xdp")];
  ASSERT_EQ(relocations.size(), 1u);
  EXPECT_EQ(relocations[0].offset, 24u + 8u);
  EXPECT_EQ(out.elf.symbols[relocations[0].symbol].name, "called");
  // The program's line and the part's, of one function.
  const auto ext = out.section(".BTF.ext");
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, ext.data() + at, sizeof value);
    return value;
  };
  const size_t functions = word(4) + 4, lines = word(4) + word(16) + 4;
  EXPECT_EQ(word(functions + 4), 1u);
  EXPECT_EQ(word(lines + 4), 2u);
  EXPECT_EQ(word(lines + 8 + 16), 24u);
}

TEST(Join, TheSameObjectsGiveTheSameBytes) {
  EXPECT_EQ(TwoShares().joined().bytes, TwoShares().joined().bytes);
}

} // namespace
} // namespace xdpc::codegen
