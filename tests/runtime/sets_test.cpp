// Sets over tables and tries in the kernel.
#include "runtime/sets/sets.h"

#include "runtime/kernel/live_maps.h"
#include "runtime/kernel/map.h"
#include "tests/support/set_model.h"

namespace xdpc::live {
namespace {

std::unique_ptr<kernel::LiveMaps> kernelMaps(const abi::Manifest& manifest) {
  auto made = kernel::createMaps(manifest);
  EXPECT_TRUE(made) << kernel::toText(made.error());
  abi::Config config{};
  abi::seedTables(config, abi::kTestSeed);
  EXPECT_TRUE(kernel::fillConfig(manifest, *made, config));
  auto maps = kernel::LiveMaps::over(manifest, std::move(*made));
  EXPECT_TRUE(maps);
  return std::move(*maps);
}

TEST(KernelSets, AgreeWithAPlainList) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const abi::Manifest manifest = test::setPolicy({{abi::KeyKind::IpPrefix}}, 1'000, test::kHostLengths);
    test::compareWithModel(*kernelMaps(manifest), manifest, seed);
  }
}

TEST(KernelSets, AgreeWithAPlainListInTuples) {
  const abi::Manifest manifest = test::setPolicy({{abi::KeyKind::Port, abi::KeyKind::Ipv4Prefix}}, 1'000);
  test::compareWithModel(*kernelMaps(manifest), manifest, 1);
}

// A full trie still takes a new end for what it has.
TEST(KernelSets, ChangeElementsOfAFullTrie) {
  const abi::Manifest manifest = test::setPolicy({{abi::KeyKind::Ipv4Prefix}}, 2);
  const auto maps = kernelMaps(manifest);
  const abi::Set& set = manifest.sets[0];
  const std::vector<std::string> texts = {"10.0.0.0/8", "10.1.0.0/16"};
  const auto elements = test::unwrap(sets::parseElements(set, texts));
  test::unwrap(sets::add(*maps, manifest, set, elements, {0, 100}));
  test::unwrap(sets::add(*maps, manifest, set, elements, {0, 200}));
  EXPECT_EQ(test::unwrap(sets::list(*maps, manifest, set, 150)).size(), 2u);
  const std::vector<std::string> more = {"11.0.0.0/8"};
  const auto error = sets::add(*maps, manifest, set, test::unwrap(sets::parseElements(set, more)), {0, {}});
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind, sets::SetError::Kind::full);
}

} // namespace
} // namespace xdpc::live
