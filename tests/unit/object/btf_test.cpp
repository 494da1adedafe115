// Type and line information: what the compiler leaves open is filled in, instruction numbers are those of the linked
// code.
#include "tests/support/object_builder.h"

#include <gtest/gtest.h>

namespace xdpc::support {
namespace {

enum Kind : uint32_t { kInt = 1, kVar = 14, kDatasec = 15 };

uint32_t word(const std::vector<uint8_t>& bytes, size_t index) {
  uint32_t out;
  std::memcpy(&out, bytes.data() + index * 4, 4);
  return out;
}

// One data section with `second` before `first`, as the compiler writes them: size 0, offsets 0.
SmallObject withTypes() {
  SmallObject small = smallObject({smallManifest(), {abi::kAbi}, {mov(r0, 2), exit()}, {mov(r0, 1), exit()}});
  small.elf.symbol("first", small.config, 0);
  small.elf.symbol("second", small.config, 8);
  return small;
}

BtfBuilder types(const char* section = ".rodata.config", const char* variable = "second") {
  BtfBuilder btf;
  uint32_t number = btf.type(btf.string("int"), kInt, 0, 4, {32});
  uint32_t second = btf.type(btf.string(variable), kVar, 0, number, {1});
  uint32_t first = btf.type(btf.string("first"), kVar, 0, number, {1});
  btf.type(btf.string(section), kDatasec, 2, 0, {second, 0, 4, first, 0, 4});
  return btf;
}

TEST(Btf, SizesAndOffsetsOfDataSectionsAreFilledIn) {
  SmallObject small = withTypes();
  small.elf.section(".BTF", types().build());
  auto object = object::readObject(small.elf.build());
  ASSERT_TRUE(object) << object.error().message;
  size_t datasec = 6 + 4 + 4 + 4; // words: header, the three types before it
  EXPECT_EQ(word(object->btf, datasec + 2), sizeof(abi::Config));
  EXPECT_EQ(word(object->btf, datasec + 3), 3u); // `first` comes first
  EXPECT_EQ(word(object->btf, datasec + 4), 0u);
  EXPECT_EQ(word(object->btf, datasec + 6), 2u);
  EXPECT_EQ(word(object->btf, datasec + 7), 8u);
}

TEST(Btf, RefusesTypesOfWhatIsNotThere) {
  auto error = [](const Bytes& btf) {
    SmallObject small = withTypes();
    small.elf.section(".BTF", btf);
    auto result = object::readObject(small.elf.build());
    return result ? "" : result.error().message;
  };
  EXPECT_EQ(error(types(".bss.none").build()),
            "the type information speaks of section `.bss.none`, which is not there");
  EXPECT_EQ(error(types(".rodata.config", "third").build()),
            "the type information speaks of `third`, which is not in `.rodata.config`");
  Bytes cut = types().build();
  cut.resize(40);
  EXPECT_EQ(error(cut), "the object's type information (.BTF) is damaged");
}

TEST(Btf, InstructionNumbersAreThoseOfTheLinkedCode) {
  BtfBuilder btf = types();
  uint32_t main = btf.string("xdp.frags"), text = btf.string(".text"), other = btf.string("xdp.other");
  auto line = [](uint32_t number, uint32_t column) { return number << 10 | column; };
  Bytes ext = buildBtfExt({8, text, 1, 0, 12, main, 1, 0, 11, other, 1, 0, 13},
                          {16, text, 2, 0, 1, 1, line(7, 5), 8, 1, 1, 0, main, 1, 8, 1, 1, line(3, 9)});
  SmallObject small = withTypes();
  small.elf.section(".BTF", btf.build());
  small.elf.section(".BTF.ext", ext);
  auto object = object::readObject(small.elf.build());
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->func_info_size, 8u);
  ASSERT_EQ(object->func_info.size(), 16u);
  EXPECT_EQ(word(object->func_info, 0), 0u);
  EXPECT_EQ(word(object->func_info, 1), 11u);
  EXPECT_EQ(word(object->func_info, 2), 2u);
  EXPECT_EQ(word(object->func_info, 3), 12u);
  EXPECT_EQ(object->line_info_size, 16u);
  ASSERT_EQ(object->line_info.size(), 48u);
  EXPECT_EQ(word(object->line_info, 0), 1u);
  EXPECT_EQ(word(object->line_info, 4), 2u);
  EXPECT_EQ(word(object->line_info, 8), 3u);
  ASSERT_EQ(object->lines.size(), 2u); // the compiler's own code has no line
  EXPECT_EQ(object->lines[0].instruction, 1u);
  EXPECT_EQ(object->lines[0].line, 3u);
  EXPECT_EQ(object->lines[0].column, 9u);
  EXPECT_EQ(object->lines[1].instruction, 2u);
  EXPECT_EQ(object->lines[1].line, 7u);
}

TEST(Btf, RefusesLinesOutsideTheCode) {
  BtfBuilder btf = types();
  uint32_t main = btf.string("xdp.frags");
  for (const Bytes& ext : {buildBtfExt({8, main, 1, 16, 11}, {16}), buildBtfExt({8, main, 1, 4, 11}, {16}),
                           buildBtfExt({8, main, 9, 0, 11}, {16}), buildBtfExt({4, main, 1, 0}, {16}),
                           buildBtfExt({8, 100'000, 1, 0, 11}, {16}), buildBtfExt({8, main}, {16})}) {
    SmallObject small = withTypes();
    small.elf.section(".BTF", btf.build());
    small.elf.section(".BTF.ext", ext);
    auto result = object::readObject(small.elf.build());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the object's line information (.BTF.ext) is damaged");
  }
}

} // namespace
} // namespace xdpc::support
