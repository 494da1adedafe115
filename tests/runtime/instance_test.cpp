// Several devices as one instance: one set of maps, whole changes, none left out, and ways back when something fails.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/netns.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/carry.h"
#include "runtime/swap/change.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/handback.h"
#include "runtime/swap/instance.h"
#include "runtime/swap/list.h"
#include "runtime/swap/open.h"
#include "runtime/swap/trial.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;
using kernel::XdpMode;
using Names = std::vector<std::string>;

swap::Target both(const std::string& devices = "a0,b0") {
  return {.device = devices};
}

uint64_t total(const std::string& device) {
  return totalCounted({.device = device});
}

std::string policyOn(const std::string& device) {
  const auto policy = swap::open({.device = device}, swap::Access::read);
  return policy ? policy->manifest.policy : kernel::toText(policy.error());
}

uint32_t programOn(const std::string& device) {
  const auto place = swap::locate({.device = device});
  return place ? place->hook.program_id : 0;
}

swap::Folder folderOf(const std::string& device) {
  const auto folder = swap::findCommon({.device = device}, *swap::locateAll({.device = device}));
  EXPECT_TRUE(ok(folder));
  return folder ? *folder : swap::Folder{};
}

class Instance : public LiveTest {
protected:
  Veth a{"a0"}, b{"b0"};

  void sendBoth(uint32_t count) {
    send(a.peerIfindex(), count);
    send(b.peerIfindex(), count);
  }
};

TEST_F(Instance, OneProgramIsOnBothAndCountsInTheSameMaps) {
  const auto attached = swap::attach(countingRules("one", {"x"}, 0), both(), {});
  ASSERT_TRUE(ok(attached));
  ASSERT_EQ(attached->devices.size(), 2u);
  EXPECT_FALSE(attached->swapped);
  EXPECT_EQ(programOn("a0"), attached->program_id);
  EXPECT_EQ(programOn("b0"), attached->program_id);
  const std::string folder = fmt::format("{}-{}", kernel::currentNetns(), a.ifindex());
  const Names all = pins();
  EXPECT_NE(std::ranges::find(all, folder + "/link"), all.end());
  EXPECT_NE(std::ranges::find(all, fmt::format("{}/link-{}", folder, b.ifindex())), all.end());
  EXPECT_EQ(std::ranges::find(all, folder + "/intent"), all.end());
  sendBoth(500);
  EXPECT_EQ(total("a0"), 1000u);
  EXPECT_EQ(total("b0"), 1000u);
}

TEST_F(Instance, ListSaysWhoBelongsTogether) {
  Veth c("c0");
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), both("b0,a0"), {})));
  ASSERT_TRUE(ok(swap::attach(counting("two", abi::kPass), c.target(), {})));
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].device, "a0");
  EXPECT_EQ((*all)[1].device, "b0");
  EXPECT_EQ((*all)[0].devices, (Names{"a0", "b0"}));
  EXPECT_EQ((*all)[1].devices, (Names{"a0", "b0"}));
  EXPECT_EQ((*all)[0].instance, (*all)[1].instance);
  EXPECT_EQ((*all)[2].devices, Names{"c0"});
  EXPECT_NE((*all)[0].link_id, (*all)[1].link_id);
  const auto shown = swap::show({.device = "b0"});
  ASSERT_TRUE(ok(shown));
  EXPECT_EQ(shown->attached.device, "b0");
}

TEST_F(Instance, EachDeviceHasItsMode) {
  const auto attached = swap::attach(counting("one", abi::kPass), both("a0,lo"), {});
  ASSERT_TRUE(ok(attached));
  EXPECT_EQ(attached->devices.at(0).mode, XdpMode::native);
  EXPECT_EQ(attached->devices.at(1).mode, XdpMode::generic);
  ASSERT_EQ(attached->warnings.size(), 1u);
  EXPECT_NE(attached->warnings[0].find("`lo` runs in generic mode"), std::string::npos);
  const auto swapped = swap::attach(counting("two", abi::kPass), both("a0,lo"), {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->devices.at(1).mode, XdpMode::generic);
  EXPECT_EQ(failure(swap::attach(counting("two", abi::kPass), both("a0,lo"), {.mode = swap::Mode::native})),
            "the policy on `lo` runs in generic mode, and a swap cannot change that\n"
            "detach it first, or leave --mode out");
}

TEST_F(Instance, WhatFailsOnTheSecondLeavesTheFirstAsItWas) {
  const auto failed = swap::attach(counting("one", abi::kPass), both("a0,lo"), {.mode = swap::Mode::native});
  EXPECT_EQ(failure(failed), "the driver of `lo` has no native mode");
  EXPECT_EQ(programOn("a0"), 0u);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Instance, AllAreSwappedAndCountsGoOn) {
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both(), {})));
  sendBoth(10);
  const auto swapped = swap::attach(countingRules("two", {"y", "x"}, 1), both("b0,a0"), {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->old_policy, "one");
  EXPECT_TRUE(swapped->warnings.empty());
  EXPECT_EQ(programOn("a0"), swapped->program_id);
  EXPECT_EQ(programOn("b0"), swapped->program_id);
  sendBoth(10);
  EXPECT_EQ(total("b0"), 40u);
}

TEST_F(Instance, LeavingADeviceOutIsRefusedWithTheList) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), both(), {})));
  EXPECT_EQ(failure(swap::attach(counting("two", abi::kPass), {.device = "b0"}, {})),
            "`b0` is of an instance with `a0`, and its devices change together\n"
            "name all of them: `--dev a0,b0`; or first `xdpc detach --dev a0`");
  EXPECT_EQ(policyOn("b0"), "one");
}

TEST_F(Instance, NamingOneMoreAddsIt) {
  Veth c("c0");
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), {.device = "b0"}, {})));
  send(b.peerIfindex(), 10);
  const auto added = swap::attach(countingRules("one", {"x"}, 0), both("a0,b0,c0"), {});
  ASSERT_TRUE(ok(added));
  EXPECT_TRUE(added->swapped);
  EXPECT_EQ(added->devices.size(), 3u);
  send(c.peerIfindex(), 5);
  sendBoth(5);
  EXPECT_EQ(total("a0"), 25u);
  EXPECT_EQ(total("c0"), 25u);
}

TEST_F(Instance, TwoInstancesAreNotMerged) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), a.target(), {})));
  ASSERT_TRUE(ok(swap::attach(counting("two", abi::kPass), b.target(), {})));
  EXPECT_EQ(failure(swap::attach(counting("three", abi::kPass), both(), {})),
            "`a0` and `b0` run policies of their own, whose state cannot become one\n"
            "detach one of them first: `xdpc detach --dev b0`");
  const auto read = swap::open(both(), swap::Access::read);
  EXPECT_EQ(failure(read), "`a0` and `b0` are not of one instance\n`xdpc list` says which devices belong together");
}

TEST_F(Instance, AnyDeviceMayBeNamedToRead) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), both(), {})));
  for (const char* device : {"a0", "b0", "a0,b0"}) {
    const auto read = swap::open({.device = device}, swap::Access::read);
    ASSERT_TRUE(ok(read)) << device;
    EXPECT_TRUE(ok(swap::open({.device = device}, swap::Access::change)));
  }
}

TEST_F(Instance, OneIsDetachedAndTheOthersGoOn) {
  Veth c("c0");
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both("a0,b0,c0"), {})));
  sendBoth(10);
  auto detached = swap::detach({.device = "a0"}); // after which the folder is named
  ASSERT_TRUE(ok(detached));
  EXPECT_EQ(detached->instances.at(0).rest, (Names{"b0", "c0"}));
  EXPECT_EQ(programOn("a0"), 0u);
  EXPECT_EQ(total("b0"), 20u);
  // It can have one of its own again, although its first name is taken.
  ASSERT_TRUE(ok(swap::attach(countingRules("own", {"x"}, 0), a.target(), {})));
  sendBoth(10);
  EXPECT_EQ(total("a0"), 10u);
  EXPECT_EQ(total("c0"), 30u);
  ASSERT_TRUE(ok(swap::attach(countingRules("own two", {"x"}, 0), a.target(), {})));
  ASSERT_TRUE(ok(swap::attach(countingRules("two", {"x"}, 0), both("b0,c0"), {})));
  EXPECT_EQ(policyOn("a0"), "own two");
  detached = swap::detach(both("a0,b0,c0"));
  ASSERT_TRUE(ok(detached));
  EXPECT_EQ(detached->instances.size(), 2u);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Instance, OfSeveralToDetachThoseWithoutAPolicyAreTold) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), a.target(), {})));
  const auto detached = swap::detach(both());
  ASSERT_TRUE(ok(detached));
  EXPECT_EQ(detached->missing, Names{"b0"});
  EXPECT_EQ(programOn("a0"), 0u);
  EXPECT_EQ(failure(swap::detach(both())), "no policy of xdpc is attached to `a0,b0`");
}

TEST_F(Instance, AVanishedDeviceLeavesTheOthersRunning) {
  auto gone = std::make_optional<Veth>("c0");
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both("a0,b0,c0"), {})));
  gone.reset();
  sendBoth(10);
  EXPECT_EQ(total("a0"), 20u);
  const auto swapped = swap::attach(countingRules("two", {"y", "x"}, 1), both(), {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->warnings, Names{"`c0` is gone; the policy goes on on a0, b0"});
  sendBoth(10);
  EXPECT_EQ(total("a0"), 40u);
  const auto again = swap::attach(countingRules("one", {"x"}, 0), both(), {});
  ASSERT_TRUE(ok(again));
  EXPECT_TRUE(again->warnings.empty());
  // A device that comes back with its number is not taken for it.
  Veth back("c0");
  EXPECT_EQ(policyOn("c0"), "no policy of xdpc is attached to `c0`");
}

TEST_F(Instance, TheFirstDeviceVanishesAndItsNumberComesBack) {
  std::optional<Veth> first(std::in_place, "d0", "index 4242");
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), both("d0,a0"), {})));
  first.reset();
  first.emplace("d0", "index 4242");
  EXPECT_EQ(policyOn("a0"), "one");
  ASSERT_TRUE(ok(swap::attach(counting("two", abi::kPass), {.device = "d0"}, {})));
  EXPECT_EQ(policyOn("a0"), "one");
  EXPECT_EQ(policyOn("d0"), "two");
  const auto swapped = swap::attach(counting("three", abi::kPass), {.device = "a0"}, {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->warnings.size(), 1u);
}

TEST_F(Instance, OneThatMovedChangesWithTheRest) {
  Veth c("c0");
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both("a0,c0"), {})));
  sh("ip netns add away && ip link set c0 netns away && ip -n away link set c0 up");
  const auto swapped = swap::attach(countingRules("two", {"y", "x"}, 1), {.device = "a0"}, {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->warnings, Names{"`c0` is in another network namespace, and remains of the instance"});
  send(c.peerIfindex(), 10);
  send(a.peerIfindex(), 10);
  EXPECT_EQ(total("a0"), 20u);
  sh("ip -n away link del c0 && ip netns del away");
}

TEST_F(Instance, TrialsAreCommonToAll) {
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both(), {})));
  sendBoth(10);
  ASSERT_TRUE(ok(swap::attach(countingRules("two", {"y", "x"}, 0), both(), {.confirm_ns = 600'000'000'000})));
  sendBoth(10);
  EXPECT_EQ(programOn("a0"), programOn("b0"));
  const auto confirmed = swap::confirm({.device = "b0"});
  ASSERT_TRUE(ok(confirmed));
  EXPECT_EQ(confirmed->devices, (Names{"a0", "b0"}));
  EXPECT_EQ(programOn("a0"), programOn("b0"));
  EXPECT_EQ(total("a0"), 40u);
  const auto back = swap::rollback({.device = "a0"}, {}, {});
  ASSERT_TRUE(ok(back));
  EXPECT_EQ(back->policy, "one");
  EXPECT_EQ(policyOn("b0"), "one");
  sendBoth(10);
  EXPECT_EQ(total("b0"), 60u);
  ASSERT_TRUE(ok(swap::attach(countingRules("two", {"y", "x"}, 0), both(), {.confirm_ns = 600'000'000'000})));
  sendBoth(10);
  ASSERT_TRUE(ok(swap::rollback({.device = "b0"}, {}, {})));
  EXPECT_EQ(policyOn("a0"), "one");
  EXPECT_EQ(programOn("a0"), programOn("b0"));
  EXPECT_EQ(total("a0"), 80u);
}

TEST_F(Instance, ATrialOverNothingEndsWithNothingOnAll) {
  ASSERT_TRUE(ok(swap::attach(counting("two", abi::kPass), both(), {.confirm_ns = 600'000'000'000})));
  const auto back = swap::rollback({.device = "b0"}, {}, {});
  ASSERT_TRUE(ok(back));
  EXPECT_EQ(back->devices, (Names{"a0", "b0"}));
  EXPECT_EQ(programOn("a0"), 0u);
  EXPECT_EQ(programOn("b0"), 0u);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Instance, ATrialAddsNoDevice) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), a.target(), {})));
  EXPECT_EQ(failure(swap::attach(counting("two", abi::kPass), both(), {.confirm_ns = 600'000'000'000})),
            "no trial while `b0` joins the instance: it has nothing to return to\nadd it first, without --confirm");
}

// Somebody else's program on the second link makes its update fail when the first one has been done.
class Failing : public Instance {
protected:
  void putStranger(const std::string& device) {
    const auto stranger = kernel::loadPolicy(always("stranger", abi::kPass), 0);
    ASSERT_TRUE(ok(stranger));
    const auto folder = folderOf(device);
    const auto live = swap::installed(folder);
    ASSERT_TRUE(ok(live) && live->has_value());
    const auto* member = (*live)->member(swap::locate({.device = device})->device.ifindex);
    ASSERT_NE(member, nullptr);
    ASSERT_EQ(bpf_link_update(member->link.get(), stranger->program.get(), nullptr), 0);
  }
};

TEST_F(Failing, AStrangerOnOneLinkIsNotSwappedOver) {
  ASSERT_TRUE(ok(swap::attach(counting("one", abi::kPass), both(), {})));
  putStranger("b0");
  const auto swapped = swap::attach(counting("two", abi::kPass), both(), {});
  ASSERT_FALSE(swapped);
  EXPECT_NE(swapped.error().message.find("xdpc's link on `b0` runs program"), std::string::npos) << failure(swapped);
  EXPECT_EQ(policyOn("a0"), "one");
  ASSERT_TRUE(ok(swap::attach(counting("two", abi::kPass), both(), {.replace = true})));
  EXPECT_EQ(programOn("a0"), programOn("b0"));
}

// What a command that was killed after the first of two updates leaves.
TEST_F(Failing, HalfAChangeIsFinishedByTheNextCommandAndReadersSeeAllCounts) {
  ASSERT_TRUE(ok(swap::attach(countingRules("one", {"x"}, 0), both(), {})));
  sendBoth(10);
  ASSERT_TRUE(ok(swap::attach(countingRules("two", {"y", "x"}, 0), both(), {})));
  sendBoth(10);
  const auto folder = folderOf("a0");
  for (const bool forward : {true, false}) {
    const auto live = swap::installed(folder);
    const auto from = swap::openGeneration(folder, (*live)->generation);
    const auto to = swap::openGeneration(folder, 3 - (*live)->generation);
    ASSERT_TRUE(ok(from) && ok(to));
    const uint64_t before = total("b0");
    ASSERT_TRUE(ok(swap::prepareReturn(*from, *to, {})));
    std::vector<swap::IntentDevice> devices;
    for (const swap::Member& member : (*live)->members)
      devices.push_back({.ifindex = member.ifindex, .program_id = member.info.program_id});
    const auto intent = swap::Intent::create({.from_generation = from->number, .to_generation = to->number}, devices);
    ASSERT_TRUE(ok(intent));
    ASSERT_TRUE(ok(intent->pin(folder)));
    const auto program = swap::openProgram(folder, to->number);
    ASSERT_TRUE(ok(kernel::updateLink((*live)->members[0].link, *program, (*live)->program, "a0")));
    EXPECT_NE(programOn("a0"), programOn("b0"));
    sendBoth(10);
    EXPECT_EQ(total("a0"), before + 20);
    if (!forward) {
      const auto gone = swap::openGeneration(folder, to->number);
      ASSERT_TRUE(ok(gone));
      ASSERT_TRUE(ok(swap::handBack(*gone, *from)));
      intent->goBack(); // as undoChange does, before it puts the first link back
    }
    const auto opened = swap::open({.device = "b0"}, swap::Access::change);
    ASSERT_TRUE(ok(opened));
    EXPECT_EQ(opened->number, forward ? to->number : from->number);
    EXPECT_EQ(programOn("a0"), programOn("b0"));
    EXPECT_FALSE(std::filesystem::exists(folder.intent()));
    sendBoth(10);
    EXPECT_EQ(total("a0"), before + 40) << forward;
  }
}

} // namespace
} // namespace xdpc::live
