// Swapping: under traffic no packet passes uncounted, and a failure leaves the old policy running.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/link.h"
#include "runtime/kernel/program.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/installed.h"
#include "runtime/swap/list.h"
#include "runtime/swap/open.h"

#include <atomic>
#include <sys/wait.h>
#include <thread>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;

class Swap : public LiveTest {};

TEST_F(Swap, EveryPacketIsCountedByTheOldPolicyOrTheNew) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("p0", abi::kDrop), veth.target(), {})));
  // All generations' maps, kept open over their removal.
  std::vector<swap::LivePolicy> policies;
  auto keep = [&] {
    auto policy = swap::open(veth.target(), swap::Access::read);
    ASSERT_TRUE(ok(policy));
    policies.push_back(std::move(*policy));
  };
  keep();
  std::atomic<bool> stop = false;
  uint64_t sent = 0;
  std::thread sender([&] {
    for (; !stop; sent += 100'000)
      send(veth.peerIfindex(), 100'000);
  });
  for (int i = 1; i <= 40; ++i) {
    const auto swapped = swap::attach(counting("p" + std::to_string(i), abi::kDrop), veth.target(), {});
    ASSERT_TRUE(ok(swapped));
    EXPECT_TRUE(swapped->swapped);
    EXPECT_EQ(swapped->old_policy, "p" + std::to_string(i - 1));
    EXPECT_TRUE(swapped->warnings.empty());
    keep();
  }
  stop = true;
  sender.join();
  // They all count in one map.
  for (const auto& policy : policies)
    EXPECT_EQ(policy.maps->id(0), policies[0].maps->id(0));
  EXPECT_GT(sent, 100'000u);
  EXPECT_EQ(packetsOf(*policies[0].maps), sent);
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].generation, 41u);
}

TEST_F(Swap, ARefusedPolicyLeavesTheOldOneRunning) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("old", abi::kDrop), veth.target(), {})));
  const auto before = pins();
  const auto swapped = swap::attach(refused(), veth.target(), {});
  ASSERT_FALSE(swapped);
  EXPECT_EQ(pins(), before);
  send(veth.peerIfindex(), 10);
  const auto policy = swap::open(veth.target(), swap::Access::read);
  ASSERT_TRUE(ok(policy));
  EXPECT_EQ(policy->manifest.policy, "old");
  EXPECT_EQ(packetsOf(*policy->maps), 10u);
}

TEST_F(Swap, AnotherModeIsRefusedInWords) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("old", abi::kPass), veth.target(), {.mode = swap::Mode::generic})));
  const auto before = pins();
  EXPECT_EQ(failure(swap::attach(always("new", abi::kPass), veth.target(), {.mode = swap::Mode::native})),
            "the policy on `a0` runs in generic mode, and a swap cannot change that\n"
            "detach it first, or leave --mode out");
  EXPECT_EQ(pins(), before);
  const auto swapped = swap::attach(always("new", abi::kPass), veth.target(), {});
  ASSERT_TRUE(ok(swapped));
  EXPECT_EQ(swapped->devices.at(0).mode, kernel::XdpMode::generic);
}

TEST_F(Swap, AProgramThatIsNotTheExpectedOneIsNotReplaced) {
  Veth veth("a0");
  const auto first = kernel::loadPolicy(always("a", abi::kPass), 0);
  const auto second = kernel::loadPolicy(always("b", abi::kPass), 0);
  ASSERT_TRUE(ok(first) && ok(second));
  const auto link = kernel::createXdpLink(first->program, {"a0", veth.ifindex()}, kernel::XdpMode::native);
  ASSERT_TRUE(ok(link));
  const auto updated = kernel::updateLink(*link, second->program, second->program, "a0");
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().message, "another program was put on `a0` meanwhile");
  EXPECT_EQ(kernel::linkInfo(*link)->program_id, first->info.id);
}

TEST_F(Swap, ADeviceThatVanishedMeanwhileIsSaidSo) {
  const auto first = kernel::loadPolicy(always("a", abi::kPass), 0);
  const auto second = kernel::loadPolicy(always("b", abi::kPass), 0);
  ASSERT_TRUE(ok(first) && ok(second));
  swap::Result<kernel::Fd> link = kernel::KernelError{};
  kernel::Device device{"a0"};
  {
    Veth veth("a0");
    device.ifindex = veth.ifindex();
    link = kernel::createXdpLink(first->program, device, kernel::XdpMode::native);
    ASSERT_TRUE(ok(link));
  }
  const auto updated = kernel::updateLink(*link, second->program, first->program, "a0");
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, ErrorKind::device);
  EXPECT_EQ(updated.error().message, "device `a0` vanished");
  EXPECT_EQ(kernel::linkInfo(*link)->ifindex, 0u);
  const auto created = kernel::createXdpLink(first->program, device, kernel::XdpMode::native);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().message, "device `a0` vanished");
}

TEST_F(Swap, AfterAKillBetweenUpdateAndClearingTheNextCommandGoesOn) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("old", abi::kPass), veth.target(), {})));
  const auto place = swap::locate(veth.target());
  ASSERT_TRUE(ok(place));
  const auto folder = swap::folderOf("/sys/fs/bpf", *place);
  {
    // What a swap does until it would remove the old generation.
    const auto live = swap::installed(folder);
    ASSERT_TRUE(ok(live) && live->has_value());
    const auto fresh = kernel::loadPolicy(counting("new", abi::kPass), 0);
    ASSERT_TRUE(ok(fresh));
    const auto ledger = swap::Ledger::create(1, "");
    ASSERT_TRUE(ok(ledger));
    ASSERT_TRUE(ok(swap::pinGeneration(folder, 2, *fresh, *ledger, {})));
    ASSERT_TRUE(ok(kernel::updateLink((*live)->members[0].link, fresh->program, (*live)->program, "a0")));
  }
  EXPECT_EQ(swap::generations(folder), (std::vector<uint32_t>{1, 2}));
  const auto policy = swap::open(veth.target(), swap::Access::read);
  ASSERT_TRUE(ok(policy));
  EXPECT_EQ(policy->manifest.policy, "new");
  const auto next = swap::attach(counting("third", abi::kPass), veth.target(), {});
  ASSERT_TRUE(ok(next));
  EXPECT_EQ(next->old_policy, "new");
  // The first one ran, and is not known to come before the second: that was cut short.
  EXPECT_EQ(swap::generations(folder), (std::vector<uint32_t>{1, 2, 3}));
}

TEST_F(Swap, KilledAtAnyInstantOneOfTheTwoRunsAndTheNextCommandWorks) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(counting("p0", abi::kDrop), veth.target(), {})));
  size_t completed = 0;
  for (int i = 1; i <= 60; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      (void)swap::attach(counting("p" + std::to_string(i), abi::kDrop), veth.target(), {});
      _exit(0);
    }
    usleep(i * 97);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    completed += WIFEXITED(status);
    const auto policy = swap::open(veth.target(), swap::Access::read);
    ASSERT_TRUE(ok(policy)) << i;
    send(veth.peerIfindex(), 5);
    EXPECT_EQ(packetsOf(*policy->maps), 5u * i);
  }
  EXPECT_LT(completed, 60u);
  ASSERT_TRUE(ok(swap::attach(counting("last", abi::kDrop), veth.target(), {})));
  EXPECT_LE(pins().size(), 2u + 3 * 7); // three generations, if as many attaches lived to their end
  EXPECT_EQ((pins().size() - 2) % 7, 0u);
}

TEST_F(Swap, KilledAtAnyInstantAFirstAttachIsThereWholeOrNotAtAll) {
  Veth veth("a0");
  size_t attached = 0;
  for (int i = 1; i <= 60; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      (void)swap::attach(counting("p", abi::kDrop), veth.target(), {});
      _exit(0);
    }
    usleep(i * 97);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto hook = kernel::hookState({"a0", veth.ifindex()});
    ASSERT_TRUE(ok(hook));
    const auto detached = swap::detach(veth.target());
    EXPECT_EQ(hook->program_id != 0, bool(detached)) << i << failure(detached);
    attached += bool(detached);
  }
  EXPECT_LT(attached, 60u);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Swap, PinsOfAnotherXdpcAreLeftAloneUnlessReplaced) {
  for (const auto& [abi, what] : {std::pair(abi::kAbi + 1, "newer"), std::pair(abi::kAbi - 1, "older")}) {
    Veth veth("a0");
    auto other = always("other", abi::kPass);
    other.manifest.abi = abi;
    other.manifest_json = abi::toJson(other.manifest);
    ASSERT_TRUE(ok(swap::attach(other, veth.target(), {})));
    const auto swapped = swap::attach(always("p", abi::kPass), veth.target(), {});
    ASSERT_FALSE(swapped);
    EXPECT_NE(swapped.error().message.find(what), std::string::npos) << failure(swapped);
    EXPECT_NE(swapped.error().help.find("--replace"), std::string::npos) << failure(swapped);
    EXPECT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {.replace = true})));
    EXPECT_TRUE(ok(swap::detach(veth.target())));
  }
}

} // namespace
} // namespace xdpc::live
