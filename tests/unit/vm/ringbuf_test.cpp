// The ring buffer's space, order and states.
#include "runtime/vm/ringbuf.h"

#include <cstring>
#include <gtest/gtest.h>

namespace xdpc::vm {
namespace {

using End = Ringbuf::End;

Ringbuf make(uint32_t bytes) {
  return Ringbuf({"r", abi::MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, bytes});
}

std::vector<uint64_t> drain(Ringbuf& ring) {
  std::vector<uint64_t> out;
  ring.drain([&](std::span<const uint8_t> record) {
    uint64_t value = 0;
    std::memcpy(&value, record.data(), std::min<size_t>(record.size(), 8));
    out.push_back(value);
  });
  return out;
}

bool put(Ringbuf& ring, uint64_t value, uint64_t size = 8) {
  auto offset = ring.reserve(size);
  if (!offset)
    return false;
  std::memcpy(ring.values() + *offset, &value, 8);
  return ring.finish(*offset, End::submit);
}

TEST(Ringbuf, RecordsComeInTheOrderOfReservation) {
  Ringbuf ring = make(4096);
  auto first = ring.reserve(8), second = ring.reserve(8), third = ring.reserve(8);
  uint64_t one = 1, three = 3;
  std::memcpy(ring.values() + *first, &one, 8);
  std::memcpy(ring.values() + *third, &three, 8);
  EXPECT_TRUE(ring.finish(*third, End::submit));
  EXPECT_TRUE(ring.finish(*second, End::discard));
  EXPECT_TRUE(drain(ring).empty()); // the first one holds the others up
  EXPECT_TRUE(ring.open());
  EXPECT_TRUE(ring.finish(*first, End::submit));
  EXPECT_FALSE(ring.finish(*first, End::submit));
  EXPECT_FALSE(ring.open());
  EXPECT_EQ(drain(ring), (std::vector<uint64_t>{1, 3}));
}

TEST(Ringbuf, AFullRingTakesNoMore) {
  Ringbuf ring = make(4096);
  unsigned taken = 0;
  while (put(ring, taken))
    ++taken;
  EXPECT_EQ(taken, 255u); // 16 bytes a record with its header, and never quite full
  EXPECT_EQ(drain(ring).size(), 255u);
  EXPECT_TRUE(put(ring, 1));
}

TEST(Ringbuf, SizesAtTheLimit) {
  Ringbuf ring = make(4096);
  EXPECT_FALSE(ring.reserve(4096));
  EXPECT_FALSE(ring.reserve(4081)); // 4,096 with its header, rounded
  EXPECT_FALSE(ring.reserve(~uint64_t{0}));
  EXPECT_TRUE(ring.reserve(4080));
}

TEST(Ringbuf, RecordsGoOverTheEnd) {
  Ringbuf ring = make(4096);
  for (uint64_t round = 0; round < 100; ++round) {
    ASSERT_TRUE(put(ring, round, 1000));
    ASSERT_TRUE(put(ring, round + 1, 2000));
    ASSERT_EQ(drain(ring), (std::vector<uint64_t>{round, round + 1}));
  }
}

} // namespace
} // namespace xdpc::vm
