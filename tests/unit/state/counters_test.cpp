// runtime/counters: base plus rows, and keyed counters.
#include "runtime/counters/counters.h"

#include "runtime/tables/table.h"
#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

using abi::Cell;

class Counters : public testing::Test {
protected:
  static abi::Manifest policy() {
    abi::Manifest m;
    m.maps = {
        {.name = "counters",
         .role = abi::MapRole::counters,
         .type = 2,
         .key_size = 4,
         .value_size = 8192,
         .max_entries = 1,
         .row_bytes = 4096},
        {.name = "base", .role = abi::MapRole::base, .type = 2, .key_size = 4, .value_size = 48, .max_entries = 1},
        {.name = "flow",
         .role = abi::MapRole::keyed,
         .type = 2,
         .key_size = 4,
         .value_size = abi::tableLayout({{abi::KeyKind::Ip}}, 2).bucketBytes(),
         .max_entries = 1,
         .flags = FakeMaps::kMmapable}};
    m.slots = {{"web", abi::SlotKind::rule}, {"web", abi::SlotKind::counter}, {"flow.other", abi::SlotKind::system}};
    m.counters = {{.name = "web", .slot = 1}, {.name = "flow", .map = 2, .key = {{abi::KeyKind::Ip}}, .capacity = 8}};
    return m;
  }

  void put(uint32_t map, uint32_t offset, Cell cell) {
    uint8_t bytes[sizeof cell];
    std::memcpy(bytes, &cell, sizeof bytes);
    unwrap(maps.write(map, offset, bytes));
  }

  void count(std::string_view key, Cell cell) {
    const abi::KeyType& type = manifest.counters[1].key;
    auto table = unwrap(tables::Table::open(maps, manifest, 2, type, 2));
    table.put(abi::parseKey(type, key).value(), {cell.packets, cell.bytes}, tables::Merge::replace,
              tables::Rest::ofCounter());
  }

  const abi::Manifest manifest = policy();
  FakeMaps maps{manifest, 3};
};

TEST_F(Counters, AreBasePlusTheRowsOfAllCpus) {
  put(1, 16, {1'000, 5});
  put(0, 16, {1, 60});
  put(0, 4096 + 16, {2, 120});
  put(0, 2 * 4096 + 16, {4, 240});
  put(0, 2 * 4096, {9, 9}); // another slot
  const auto all = unwrap(counters::readSlots(maps, manifest));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].packets, 1'007u);
  EXPECT_EQ(all[1].bytes, 425u);
  EXPECT_EQ(all[0].packets, 9u);
  EXPECT_EQ(unwrap(counters::readSlot(maps, manifest, 1)).packets, 1'007u);
}

TEST_F(Counters, WrapAround) {
  put(1, 0, {~uint64_t{0} - 1, 0}); // a reset of 2 counts
  put(0, 0, {5, 0});
  EXPECT_EQ(unwrap(counters::readSlot(maps, manifest, 0)).packets, 3u);
}

TEST_F(Counters, AreFoundByNameAndKind) {
  EXPECT_EQ(counters::findSlot(manifest, "web", abi::SlotKind::rule), 0u);
  EXPECT_EQ(counters::findSlot(manifest, "web", abi::SlotKind::counter), 1u);
  EXPECT_EQ(counters::findSlot(manifest, "none", abi::SlotKind::rule), std::nullopt);
  EXPECT_EQ(counters::findCounter(manifest, "flow"), &manifest.counters[1]);
  EXPECT_EQ(counters::findCounter(manifest, "none"), nullptr);
  EXPECT_FALSE(counters::readSlot(maps, manifest, 3).ok());
}

TEST_F(Counters, ListKeysByPackets) {
  count("192.0.2.1", {3, 180});
  count("2001:db8::1", {7, 420});
  count("192.0.2.0", {3, 180});
  const auto keys = unwrap(counters::readKeys(maps, manifest, manifest.counters[1]));
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(abi::formatKey(manifest.counters[1].key, keys[0].key), "2001:db8::1");
  EXPECT_EQ(abi::formatKey(manifest.counters[1].key, keys[1].key), "192.0.2.0");
  EXPECT_EQ(keys[2].cell.bytes, 180u);
}

TEST_F(Counters, ReadOneKey) {
  count("192.0.2.1", {3, 180});
  const abi::KeyType& type = manifest.counters[1].key;
  EXPECT_EQ(
      unwrap(counters::readKey(maps, manifest, manifest.counters[1], abi::parseKey(type, "192.0.2.1").value())).packets,
      3u);
  EXPECT_EQ(
      unwrap(counters::readKey(maps, manifest, manifest.counters[1], abi::parseKey(type, "192.0.2.2").value())).packets,
      0u);
}

} // namespace
} // namespace xdpc::test
