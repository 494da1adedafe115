// A damaged object is refused with one line or read, and never more than that: every truncation, and random changes.
#include "tests/support/object_builder.h"

#include <gtest/gtest.h>
#include <random>

namespace xdpc::support {
namespace {

// An object with one of everything.
Bytes fullObject() {
  SmallObject small = smallObject({smallManifest(),
                                   {abi::kAbi},
                                   program({load64(r1, 0), load64(r2, 4), callFunction(-1), exit()}),
                                   program({mov(r0, 2), exit()})});
  small.elf.relocate(small.main, 0, R_BPF_64_64, small.elf.symbol("banned", small.maps, 0));
  small.elf.relocate(small.main, 16, R_BPF_64_64, small.elf.symbol("first", small.config, 0));
  small.elf.relocate(small.main, 32, R_BPF_64_32, small.elf.symbol("f", small.text, 0, STT_FUNC));
  BtfBuilder btf;
  uint32_t number = btf.type(btf.string("int"), 1, 0, 4, {32});
  uint32_t first = btf.type(btf.string("first"), 14, 0, number, {1});
  btf.type(btf.string(".rodata.config"), 15, 1, 0, {first, 0, 4});
  uint32_t main = btf.string("xdp.frags");
  small.elf.section(".BTF", btf.build());
  small.elf.section(".BTF.ext", buildBtfExt({8, main, 1, 0, 1}, {16, main, 1, 0, 1, 1, 7 << 10}));
  return small.elf.build();
}

void expectOneLine(const Bytes& bytes) {
  auto result = object::readObject(bytes);
  if (result)
    return;
  EXPECT_FALSE(result.error().message.empty());
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos) << result.error().message;
}

TEST(Malformed, FullObjectIsFine) {
  auto object = object::readObject(fullObject());
  ASSERT_TRUE(object) << object.error().message;
}

TEST(Malformed, EveryTruncationIsRefused) {
  Bytes bytes = fullObject();
  for (size_t size = 0; size < bytes.size(); ++size) {
    Bytes cut(bytes.begin(), bytes.begin() + size); // a copy of its own, so that reading past it is seen
    EXPECT_FALSE(object::readObject(cut)) << size;
    expectOneLine(cut);
  }
}

TEST(Malformed, EveryByteChanged) {
  const Bytes bytes = fullObject();
  for (size_t at = 0; at < bytes.size(); ++at)
    for (uint8_t value : {uint8_t(0), uint8_t(0xff), uint8_t(bytes[at] ^ 1), uint8_t(bytes[at] ^ 0x80)}) {
      Bytes changed = bytes;
      changed[at] = value;
      expectOneLine(changed);
    }
}

TEST(Malformed, RandomChanges) {
  const Bytes bytes = fullObject();
  std::mt19937 random(20240601);
  for (int round = 0; round < 20'000; ++round) {
    Bytes changed = bytes;
    for (unsigned i = 0, n = 1 + random() % 8; i < n; ++i)
      changed[random() % changed.size()] = uint8_t(random());
    expectOneLine(changed);
  }
}

} // namespace
} // namespace xdpc::support
