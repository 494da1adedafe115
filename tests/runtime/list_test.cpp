// What list and show tell.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/netns.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/list.h"

#include <ctime>

namespace xdpc::live {
namespace {

class List : public LiveTest {};

TEST_F(List, TellsWhatRunsWhereSinceWhen) {
  Veth first("a0"), second("b0");
  const auto before = std::time(nullptr);
  const auto one = swap::attach(counting("one", abi::kPass), first.target(), {});
  const auto two = swap::attach(always("two", abi::kPass), second.target(), {.mode = swap::Mode::generic});
  ASSERT_TRUE(ok(one) && ok(two));
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  ASSERT_EQ(all->size(), 2u);
  const auto& entry = (*all)[0];
  EXPECT_EQ(entry.device, "a0");
  EXPECT_EQ(entry.ifindex, first.ifindex());
  EXPECT_EQ(entry.netns, kernel::currentNetns());
  EXPECT_TRUE(entry.own_netns);
  EXPECT_EQ(entry.netns_name, "");
  EXPECT_EQ(entry.mode, kernel::XdpMode::native);
  EXPECT_EQ(entry.generation, 1u);
  EXPECT_EQ(entry.link_id, one->devices.at(0).link_id);
  EXPECT_EQ(entry.program.id, one->program_id);
  EXPECT_EQ(entry.program.name, abi::kProgramName);
  EXPECT_EQ(entry.manifest.policy, "one");
  EXPECT_EQ(entry.manifest.file, "one.xf");
  EXPECT_EQ(entry.manifest.source_sha256, std::string(64, '0'));
  EXPECT_NEAR(double(entry.since_unix_ns) / 1e9, double(before), 10);
  EXPECT_EQ((*all)[1].manifest.policy, "two");
  EXPECT_EQ((*all)[1].mode, kernel::XdpMode::generic);
}

TEST_F(List, NothingIsNoError) {
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  EXPECT_TRUE(all->empty());
}

TEST_F(List, ShowKnowsTheMaps) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), veth.target(), {})));
  const auto details = swap::show(veth.target());
  ASSERT_TRUE(ok(details));
  ASSERT_EQ(details->maps.size(), 2u);
  EXPECT_EQ(details->maps[0].name, "counters");
  EXPECT_GE(details->maps[0].bytes, details->maps[0].value_size);
  EXPECT_GT(details->attached.program.xlated_bytes, 0u);
  const auto none = swap::show({.device = "lo"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, kernel::ErrorKind::not_found);
}

} // namespace
} // namespace xdpc::live
