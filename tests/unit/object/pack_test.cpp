// The pinned code of a policy: there and back, and whatever was tampered with is refused.
#include "runtime/object/pack.h"

#include <gtest/gtest.h>

namespace xdpc::object {
namespace {

Object sample() {
  Object object;
  object.program = {{0x18, 1, 0, 0, 0}, {0, 0, 0, 0, 0}, {0xb7, 0, 0, 0, 2}, {0x95, 0, 0, 0, 0}};
  object.references = {{0, 1, true, 8}};
  object.btf = {1, 2, 3};
  object.func_info = {4, 5, 6, 7};
  object.line_info = {8};
  object.func_info_size = 8;
  object.line_info_size = 16;
  object.license = "GPL";
  object.config.hash_seed = 42;
  return object;
}

TEST(Pack, GoesThereAndBack) {
  const auto back = unpackCode(packCode(sample()), 2);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->program.size(), 4u);
  EXPECT_EQ(back->program[2].imm, 2);
  ASSERT_EQ(back->references.size(), 1u);
  EXPECT_EQ(back->references[0].map, 1u);
  EXPECT_TRUE(back->references[0].value);
  EXPECT_EQ(back->references[0].offset, 8u);
  EXPECT_EQ(back->btf, sample().btf);
  EXPECT_EQ(back->func_info, sample().func_info);
  EXPECT_EQ(back->line_info, sample().line_info);
  EXPECT_EQ(back->func_info_size, 8u);
  EXPECT_EQ(back->line_info_size, 16u);
  EXPECT_EQ(back->license, "GPL");
  EXPECT_EQ(back->config.hash_seed, 42u);
}

TEST(Pack, RefusesWhatIsCutShort) {
  const auto bytes = packCode(sample());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(unpackCode(std::span(bytes).first(size), 2)) << size;
}

TEST(Pack, RefusesLengthsBeyondTheEnd) {
  auto bytes = packCode(sample());
  bytes[15] = 0xff; // the highest byte of the number of instructions
  EXPECT_FALSE(unpackCode(bytes, 2));
}

TEST(Pack, RefusesMapsAndInstructionsThatAreNotThere) {
  EXPECT_FALSE(unpackCode(packCode(sample()), 1));
  Object object = sample();
  object.references[0].instruction = 3; // its second half would lie behind the end
  EXPECT_FALSE(unpackCode(packCode(object), 2));
}

} // namespace
} // namespace xdpc::object
