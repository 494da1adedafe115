// runtime/engine/scan.h: walking a map that changes.
#include "runtime/engine/scan.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

constexpr uint32_t kHashMap = 0;

class Scan : public testing::Test {
protected:
  Scan() {
    for (uint32_t i = 0; i < 10; ++i)
      put(i);
  }
  abi::Bytes key(uint32_t i) { return {static_cast<uint8_t>(i), 0, 0, 0}; }
  void put(uint32_t i) { unwrap(maps.update(kHashMap, key(i), abi::Bytes(8), engine::Update::any)); }

  static abi::Manifest hashes() {
    abi::Manifest m;
    m.maps = {{.name = "hash",
               .role = abi::MapRole::scratch,
               .type = 1,
               .key_size = 4,
               .value_size = 8,
               .max_entries = 1'000}};
    return m;
  }

  FakeMaps maps{hashes()};
};

TEST_F(Scan, FindsEachKeyOnce) {
  EXPECT_EQ(unwrap(engine::keys(maps, kHashMap)).size(), 10u);
}

TEST_F(Scan, StartsAgainWhereItsKeyWent) {
  unsigned steps = 0;
  maps.before_next = [&] {
    if (++steps == 5)
      unwrap(maps.erase(kHashMap, key(3)));
  };
  const auto keys = unwrap(engine::keys(maps, kHashMap));
  EXPECT_EQ(keys.size(), 10u); // 3 was there when it was found
  EXPECT_EQ(keys.back(), key(9));
}

TEST_F(Scan, EndsThoughKeysNeverStopGoing) {
  uint32_t step = 0;
  maps.before_next = [&] {
    put(100 + step % 100);
    (void)maps.erase(kHashMap, key(step++ % 10));
    put(step % 10);
    if (step > 100'000)
      abort(); // an assertion would not end the walk
  };
  EXPECT_FALSE(unwrap(engine::keys(maps, kHashMap)).empty());
}

} // namespace
} // namespace xdpc::test
