// Attaching to a device and detaching again: modes, pins, leftovers, devices that are not there.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/abi/keyed_table.h"
#include "runtime/kernel/netns.h"
#include "runtime/sets/sets.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/installed.h"
#include "runtime/swap/list.h"
#include "runtime/swap/open.h"

#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;
using kernel::XdpMode;

class Attach : public LiveTest {};

std::string folderName(uint32_t ifindex) {
  return fmt::format("{}-{}", kernel::currentNetns(), ifindex);
}

TEST_F(Attach, NativeOnAVethAndEveryPacketCounts) {
  Veth veth("a0");
  const auto attached = swap::attach(counting("first", abi::kDrop), veth.target(), {});
  ASSERT_TRUE(ok(attached));
  EXPECT_EQ(attached->devices.at(0).mode, XdpMode::native);
  EXPECT_FALSE(attached->swapped);
  EXPECT_TRUE(attached->warnings.empty());
  const std::string folder = folderName(veth.ifindex());
  EXPECT_EQ(pins(), (std::vector<std::string>{folder, folder + "/g1", folder + "/g1/code", folder + "/g1/ledger",
                                              folder + "/g1/m0", folder + "/g1/m1", folder + "/g1/manifest",
                                              folder + "/g1/prog", folder + "/link"}));
  struct stat status{};
  ASSERT_EQ(stat(("/sys/fs/bpf/xdpc/" + folder).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  send(veth.peerIfindex(), 1000);
  const auto policy = swap::open(veth.target(), swap::Access::read);
  ASSERT_TRUE(ok(policy));
  EXPECT_EQ(policy->manifest.policy, "first");
  EXPECT_EQ(policy->program_id, attached->program_id);
  EXPECT_EQ(packetsOf(*policy->maps), 1000u);
}

TEST_F(Attach, AutomaticFallsBackToGenericWithAWarning) {
  const auto attached = swap::attach(counting("first", abi::kPass), {.device = "lo"}, {});
  ASSERT_TRUE(ok(attached));
  EXPECT_EQ(attached->devices.at(0).mode, XdpMode::generic);
  ASSERT_EQ(attached->warnings.size(), 1u);
  EXPECT_NE(attached->warnings[0].find("generic mode"), std::string::npos);
  sh("ping -q -c 3 -i 0.01 127.0.0.1 >/dev/null");
  const auto policy = swap::open({.device = "lo"}, swap::Access::read);
  ASSERT_TRUE(ok(policy));
  EXPECT_EQ(packetsOf(*policy->maps), 6u);
}

TEST_F(Attach, NativeIsNotMadeUpWhereTheDriverHasNone) {
  const auto attached = swap::attach(always("p", abi::kPass), {.device = "lo"}, {.mode = swap::Mode::native});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().kind, ErrorKind::device);
  EXPECT_EQ(attached.error().message, "the driver of `lo` has no native mode");
  EXPECT_TRUE(pins().empty());
}

TEST_F(Attach, GenericWhereItIsAskedFor) {
  Veth veth("a0");
  const auto attached = swap::attach(counting("p", abi::kPass), veth.target(), {.mode = swap::Mode::generic});
  ASSERT_TRUE(ok(attached));
  EXPECT_EQ(attached->devices.at(0).mode, XdpMode::generic);
  EXPECT_TRUE(attached->warnings.empty());
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].mode, XdpMode::generic);
}

TEST_F(Attach, AJumboMtuIsNoObstacle) {
  Veth veth("a0", "mtu 9000", "mtu 9000");
  const auto attached = swap::attach(always("p", abi::kPass), veth.target(), {.mode = swap::Mode::native});
  EXPECT_TRUE(ok(attached));
}

TEST_F(Attach, AnUnknownDeviceSuggestsTheNearest) {
  Veth veth("uplink0");
  const auto attached = swap::attach(always("p", abi::kPass), {.device = "uplnk0"}, {});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().kind, ErrorKind::no_device);
  EXPECT_EQ(failure(attached), "there is no device `uplnk0`\ndid you mean `uplink0`?");
  EXPECT_TRUE(pins().empty());
}

TEST_F(Attach, WithoutABpffsItSaysHowToMountOne) {
  Veth veth("a0");
  sh("mkdir /run/no");
  const auto attached = swap::attach(always("p", abi::kPass), {.device = "a0", .bpffs = "/run/no"}, {});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().kind, ErrorKind::no_bpffs);
  EXPECT_EQ(failure(attached), "no bpffs is mounted on `/run/no`\nmount it: `sudo mount -t bpf bpf /run/no`");
  EXPECT_EQ(
      failure(swap::list("/run/none")),
      "no bpffs is mounted on `/run/none`\nmount it: `sudo mkdir -p /run/none && sudo mount -t bpf bpf /run/none`");
  sh("rmdir /run/no");
}

TEST_F(Attach, DetachTakesEverythingAway) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("gone", abi::kPass), veth.target(), {})));
  const auto detached = swap::detach(veth.target());
  ASSERT_TRUE(ok(detached));
  EXPECT_EQ(detached->instances.at(0).policy, "gone");
  EXPECT_TRUE(pins().empty());
  const auto hook = kernel::hookState({"a0", veth.ifindex()});
  ASSERT_TRUE(ok(hook));
  EXPECT_EQ(hook->program_id, 0u);
  const auto again = swap::detach(veth.target());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::not_found);
  EXPECT_EQ(again.error().message, "no policy of xdpc is attached to `a0`");
}

TEST_F(Attach, DetachWorksWhileSomebodyLooksAtTheLink) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  const auto place = swap::locate(veth.target());
  ASSERT_TRUE(ok(place));
  const auto held = swap::installed(swap::folderOf("/sys/fs/bpf", *place));
  ASSERT_TRUE(ok(held));
  ASSERT_TRUE(ok(swap::detach(veth.target())));
  EXPECT_EQ(kernel::hookState(place->device)->program_id, 0u);
}

TEST_F(Attach, PinsOfAVanishedDeviceAreSweptAndItsNumberCanComeBack) {
  std::string stale;
  {
    Veth veth("a0", "index 4242");
    ASSERT_TRUE(ok(swap::attach(always("old", abi::kPass), veth.target(), {})));
    stale = folderName(4242);
  }
  EXPECT_EQ(pins().at(0), stale);
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  EXPECT_TRUE(all->empty());
  EXPECT_TRUE(pins().empty());
  {
    Veth veth("a0", "index 4242");
    ASSERT_TRUE(ok(swap::attach(always("old", abi::kPass), veth.target(), {})));
  }
  Veth veth("a0", "index 4242");
  const auto detached = swap::detach(veth.target());
  ASSERT_FALSE(detached);
  EXPECT_EQ(detached.error().kind, ErrorKind::not_found);
  const auto attached = swap::attach(always("new", abi::kPass), veth.target(), {});
  ASSERT_TRUE(ok(attached));
  EXPECT_FALSE(attached->swapped);
  EXPECT_EQ(attached->generation, 1u);
}

TEST_F(Attach, HalfMadeGenerationsOfKilledCommandsAreSwept) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("first", abi::kPass), veth.target(), {})));
  const std::string folder = "/sys/fs/bpf/xdpc/" + folderName(veth.ifindex());
  sh("mkdir " + folder + "/g2 " + folder + "/g7");
  sh("bpftool map create " + folder + "/g7/m0 type array key 4 value 4 entries 1 name x");
  const auto attached = swap::attach(always("second", abi::kPass), veth.target(), {});
  ASSERT_TRUE(ok(attached));
  EXPECT_TRUE(attached->swapped);
  EXPECT_EQ(attached->generation, 2u);
  EXPECT_TRUE(std::filesystem::exists(folder + "/g1")); // kept, to be returned to
  EXPECT_FALSE(std::filesystem::exists(folder + "/g7"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/g2/prog"));
}

TEST_F(Attach, ARefusedPolicyLeavesNothingBehind) {
  Veth veth("a0");
  const auto attached = swap::attach(refused(), veth.target(), {});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().kind, ErrorKind::refused);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Attach, InitialElementsAreThereBeforeTheFirstPacket) {
  Veth veth("a0");
  ObjectMaker maker("p");
  const uint32_t map = maker.map({.name = "allowed",
                                  .role = abi::MapRole::exact,
                                  .type = BPF_MAP_TYPE_ARRAY,
                                  .key_size = 4,
                                  .value_size = abi::tableLayout({{abi::KeyKind::Ipv4}}, 1).bucketBytes(),
                                  .max_entries = 1,
                                  .flags = BPF_F_MMAPABLE});
  maker.object().manifest.sets = {
      {.name = "allowed", .key = {{abi::KeyKind::Ipv4}}, .capacity = 16, .exact_map = map, .initial = {"192.0.2.7"}}};
  ASSERT_TRUE(ok(swap::attach(maker.emit({support::mov(support::r0, 2), support::exit()}).make(), veth.target(), {})));
  const auto policy = swap::open(veth.target(), swap::Access::change);
  ASSERT_TRUE(ok(policy));
  const auto elements = sets::list(*policy->maps, policy->manifest, policy->manifest.sets[0], 1);
  ASSERT_TRUE(elements);
  ASSERT_EQ(elements->size(), 1u);
  EXPECT_EQ(abi::formatKey({{abi::KeyKind::Ipv4}}, elements->front().key), "192.0.2.7");
  EXPECT_EQ(elements->front().expires_ns, abi::kNever);
}

TEST_F(Attach, InANamedNamespaceWithoutLeavingOnesOwn) {
  const uint64_t here = kernel::currentNetns();
  sh("ip netns add inner && ip -n inner link add b0 type veth peer name b1 && ip -n inner link set b0 up");
  const swap::Target target{.device = "b0", .netns = "inner"};
  const auto attached = swap::attach(counting("inside", abi::kPass), target, {});
  ASSERT_TRUE(ok(attached));
  EXPECT_EQ(kernel::currentNetns(), here);
  EXPECT_EQ(attached->devices.at(0).mode, XdpMode::native);
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].netns_name, "inner");
  EXPECT_FALSE((*all)[0].own_netns);
  EXPECT_EQ((*all)[0].device, "b0");
  EXPECT_EQ((*all)[0].mode, XdpMode::native);
  EXPECT_TRUE(ok(swap::attach(counting("again", abi::kPass), target, {})));
  EXPECT_EQ(failure(swap::attach(always("p", abi::kPass), {.device = "b0", .netns = "none"}, {})),
            "there is no network namespace `none`\n`ip netns list` shows those that have a name");
  const auto outside = swap::attach(always("p", abi::kPass), {.device = "b0"}, {});
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().kind, ErrorKind::no_device);
  EXPECT_TRUE(ok(swap::detach(target)));
  sh("ip netns del inner");
}

} // namespace
} // namespace xdpc::live
