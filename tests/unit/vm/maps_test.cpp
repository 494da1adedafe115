// Maps of a loaded policy from user space: results, errors, sizes.
#include "tests/support/vm_run.h"

#include <cerrno>

namespace xdpc::support {
namespace {

const abi::Map kHash{"banned", MapRole::exact, BPF_MAP_TYPE_HASH, 4, 8, 2};
const abi::Map kRing{"events", MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096};

class UserMaps : public testing::Test {
protected:
  std::unique_ptr<engine::Engine> engine_ = makeEngine(makeObject(Assembly().pass(), {kHash, kRing}));
  engine::Maps& maps_ = engine_->maps();
  const Bytes one_{1, 0, 0, 0}, two_{2, 0, 0, 0}, three_{3, 0, 0, 0}, value_{9, 8, 7, 6, 5, 4, 3, 2};

  template <class T> static std::pair<int, std::string> error(const Result<T, engine::MapError>& result) {
    return result ? std::pair(0, std::string()) : std::pair(result.error().code, result.error().message);
  }
  using Error = std::pair<int, std::string>;
};

TEST_F(UserMaps, LookupUpdateErase) {
  EXPECT_EQ(*maps_.lookup(1, one_), std::nullopt);
  EXPECT_TRUE(maps_.update(1, one_, value_, engine::Update::create));
  EXPECT_EQ(*maps_.lookup(1, one_), value_);
  EXPECT_EQ(error(maps_.update(1, one_, value_, engine::Update::create)),
            (Error{EEXIST, "the key is already in map `banned`"}));
  EXPECT_EQ(error(maps_.update(1, two_, value_, engine::Update::replace)),
            (Error{ENOENT, "the key is not in map `banned`"}));
  EXPECT_TRUE(maps_.update(1, two_, value_, engine::Update::any));
  EXPECT_EQ(error(maps_.update(1, three_, value_, engine::Update::any)), (Error{E2BIG, "map `banned` is full"}));
  EXPECT_TRUE(maps_.erase(1, one_));
  EXPECT_EQ(error(maps_.erase(1, one_)), (Error{ENOENT, "the key is not in map `banned`"}));
}

TEST_F(UserMaps, Walk) {
  EXPECT_EQ(*maps_.next(1, {}), std::nullopt);
  EXPECT_TRUE(maps_.update(1, one_, value_, engine::Update::any));
  EXPECT_TRUE(maps_.update(1, two_, value_, engine::Update::any));
  auto first = maps_.next(1, {});
  ASSERT_TRUE(first && *first);
  auto second = maps_.next(1, **first);
  ASSERT_TRUE(second && *second);
  EXPECT_NE(**first, **second);
  EXPECT_EQ(*maps_.next(1, **second), std::nullopt);
}

TEST_F(UserMaps, PartsOfTheOnlyValue) {
  EXPECT_TRUE(maps_.write(0, 100, value_));
  Bytes read(8);
  EXPECT_TRUE(maps_.read(0, 100, read));
  EXPECT_EQ(read, value_);
  EXPECT_EQ(error(maps_.read(0, 121, read)), (Error{EINVAL, "map `out` has 128 bytes, not 129"}));
  EXPECT_EQ(error(maps_.write(0, UINT32_MAX, value_)), (Error{EINVAL, "map `out` has 128 bytes, not 4294967303"}));
  EXPECT_EQ(error(maps_.read(1, 0, read)), (Error{EINVAL, "map `banned` is no array of one entry"}));
  EXPECT_EQ(maps_.valueSize(0), 128u);
}

TEST_F(UserMaps, WrongSizesAndMaps) {
  EXPECT_EQ(error(maps_.lookup(1, value_)), (Error{EINVAL, "map `banned` has keys of 4 bytes, not 8"}));
  EXPECT_EQ(error(maps_.update(1, one_, one_, engine::Update::any)),
            (Error{EINVAL, "map `banned` has values of 8 bytes, not 4"}));
  EXPECT_EQ(error(maps_.lookup(7, one_)), (Error{EBADF, "no map 7"}));
  EXPECT_EQ(error(maps_.next(7, {})), (Error{EBADF, "no map 7"}));
  EXPECT_EQ(error(maps_.lookup(2, {})).first, EOPNOTSUPP);
  EXPECT_EQ(maps_.valueSize(7), 0u);
}

} // namespace
} // namespace xdpc::support
