// Linking: subprograms behind the program, calls and maps resolved as libbpf does.
#include "tests/support/object_builder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace xdpc::support {
namespace {

Result<object::Object, object::ObjectError> read(SmallObject& small) {
  return object::readObject(small.elf.build());
}

std::string errorOf(SmallObject& small) {
  auto result = read(small);
  return result ? "" : result.error().message;
}

Program loadOf(int addend) {
  return load64(r1, uint64_t(addend));
}

TEST(Link, MapSymbolIsTheMap) {
  SmallObject small = smallObject({smallManifest(), {abi::kAbi}, program({mov(r0, 2), loadOf(0), exit()})});
  small.elf.relocate(small.main, 8, R_BPF_64_64, small.elf.symbol("banned", small.maps, 16));
  auto object = read(small);
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_EQ(object->references.size(), 1u);
  EXPECT_EQ(object->references[0].instruction, 1u);
  EXPECT_EQ(object->references[0].map, 0u);
  EXPECT_FALSE(object->references[0].value);
  EXPECT_EQ(object->program[1].src, BPF_PSEUDO_MAP_FD);
}

TEST(Link, DataSymbolIsAnAddressInTheValue) {
  Program main = program({loadOf(4), loadOf(8192), exit()});
  SmallObject small = smallObject({smallManifest(), {abi::kAbi}, main});
  small.elf.relocate(small.main, 16, R_BPF_64_64, small.elf.symbol("", small.counters, 0, STT_SECTION));
  small.elf.relocate(small.main, 0, R_BPF_64_64, small.elf.symbol("config", small.config, 8));
  auto object = read(small);
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_EQ(object->references.size(), 2u); // ascending, whatever the order of the relocations
  EXPECT_EQ(object->references[0].map, 1u);
  EXPECT_TRUE(object->references[0].value);
  EXPECT_EQ(object->references[0].offset, 12u);
  EXPECT_EQ(object->references[1].map, 2u);
  EXPECT_EQ(object->references[1].offset, 8192u);
  EXPECT_EQ(object->program[0].src, BPF_PSEUDO_MAP_VALUE);
  EXPECT_EQ(object->program[1].imm, 12);
  EXPECT_EQ(object->program[0].imm, 0);
}

TEST(Link, TablesHoldTheirSections) {
  ObjectParts parts{smallManifest(), {abi::kAbi}, program({loadOf(4), exit()})};
  parts.manifest.maps.push_back({".rodata.t", abi::MapRole::table, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG});
  SmallObject small = smallObject(parts);
  uint32_t section = small.elf.section(".rodata.t", {1, 2, 3, 4, 5, 6, 7, 8});
  small.elf.relocate(small.main, 0, R_BPF_64_64, small.elf.symbol("table_3", section, 0));
  auto object = read(small);
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_EQ(object->tables.size(), 1u);
  EXPECT_EQ(object->tables[0].map, 3u);
  EXPECT_EQ(object->tables[0].bytes, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_TRUE(object->references[0].value);
}

TEST(Link, TableOfAnotherSizeIsRefused) {
  ObjectParts parts{smallManifest()};
  parts.manifest.maps.push_back({".rodata.t", abi::MapRole::table, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG});
  SmallObject without = smallObject(parts);
  EXPECT_EQ(errorOf(without), "no section `.rodata.t`: not an object of xdpc");
  SmallObject small = smallObject(parts);
  small.elf.section(".rodata.t", {1, 2, 3, 4});
  EXPECT_EQ(errorOf(small), "section `.rodata.t` has 4 bytes instead of 8");
}

TEST(Link, CallsReachSubprogramsThroughEitherKindOfSymbol) {
  Program main = program({callFunction(-1), callFunction(1), exit()});
  Program text = program({mov(r0, 1), exit(), mov(r0, 2), callFunction(-4), exit()});
  SmallObject small = smallObject({smallManifest(), {abi::kAbi}, main, text});
  small.elf.relocate(small.main, 0, R_BPF_64_32, small.elf.symbol("second", small.text, 16, STT_FUNC));
  small.elf.relocate(small.main, 8, R_BPF_64_32, small.elf.symbol("", small.text, 0, STT_SECTION));
  auto object = read(small);
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_EQ(object->program.size(), 8u);
  EXPECT_EQ(object->program[0].imm, 4);  // to 5: main's 3 instructions, then 2 into `.text`
  EXPECT_EQ(object->program[1].imm, 3);  // to 5: addend 1 is instruction 2 of `.text`
  EXPECT_EQ(object->program[6].imm, -4); // the compiler's own, to 3
}

TEST(Link, FunctionAddressIsRelative) {
  SmallObject small =
      smallObject({smallManifest(), {abi::kAbi}, program({loadOf(8), exit()}), program({exit(), exit()})});
  small.elf.relocate(small.main, 0, R_BPF_64_64, small.elf.symbol("", small.text, 0, STT_SECTION));
  auto object = read(small);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->program[0].src, BPF_PSEUDO_FUNC);
  EXPECT_EQ(object->program[0].imm, 3); // from 0 to 4
}

struct BadRelocation {
  const char* name;
  uint64_t offset;
  uint32_t type;
  const char* error;
};

TEST(Link, RefusesWhatItCannotResolve) {
  const Program main = program({loadOf(0), callFunction(-1), exit()});
  auto with = [&](uint64_t offset, uint32_t type, auto symbol) {
    SmallObject small = smallObject({smallManifest(), {abi::kAbi}, main, {exit()}});
    small.elf.relocate(small.main, 16, R_BPF_64_32, small.elf.symbol("f", small.text, 0, STT_FUNC));
    small.elf.relocate(small.main, offset, type, symbol(small));
    return errorOf(small);
  };
  auto map = [](const char* name) {
    return [name](SmallObject& small) { return small.elf.symbol(name, small.maps, 0); };
  };
  EXPECT_EQ(with(0, R_BPF_64_64, map("nothing")),
            "instruction 0 refers to `nothing`, which is no map and no function of the object");
  EXPECT_EQ(with(8, R_BPF_64_64, map("banned")), "instruction 1 has a relocation of type 1 that does not fit it");
  EXPECT_EQ(with(4, R_BPF_64_64, map("banned")), "a relocation of `xdp.frags` lies outside it");
  EXPECT_EQ(with(32, R_BPF_64_64, map("banned")), "a relocation of `xdp.frags` lies outside it");
  EXPECT_EQ(with(24, R_BPF_64_32, map("banned")), "instruction 3 has the relocation of a call and is none");
  EXPECT_EQ(with(0, 7, map("banned")), "instruction 0 has a relocation of type 7 that does not fit it");
  auto past = [](SmallObject& small) { return small.elf.symbol("config", small.config, sizeof(abi::Config)); };
  EXPECT_EQ(with(0, R_BPF_64_64, past),
            fmt::format("instruction 0 refers to byte {0} of `config`, which has {0}", sizeof(abi::Config)));
  auto external = [](SmallObject& small) { return small.elf.symbol("bpf_kfunc", SHN_UNDEF, 0, STT_NOTYPE); };
  EXPECT_EQ(with(16, R_BPF_64_32, external),
            "instruction 2 refers to `bpf_kfunc`, which is no map and no function of the object");
  auto beyond = [](SmallObject& small) { return small.elf.symbol("f", small.text, 800, STT_FUNC); };
  EXPECT_EQ(with(16, R_BPF_64_32, beyond),
            "instruction 2 refers to `f`, which is no map and no function of the object");
}

TEST(Link, RefusesCallsOutOfTheProgram) {
  SmallObject small = smallObject({smallManifest(), {abi::kAbi}, program({callFunction(5), exit()})});
  EXPECT_EQ(errorOf(small), "instruction 0 calls a function outside the program");
}

} // namespace
} // namespace xdpc::support
