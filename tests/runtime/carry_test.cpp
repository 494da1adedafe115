// Counts over swaps: what was sent is what is counted, at every instant, whatever the layouts and whoever is killed.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/open.h"

#include <atomic>
#include <chrono>
#include <sys/wait.h>
#include <thread>

namespace xdpc::live {
namespace {

class Carry : public LiveTest {};

abi::Cell countOf(const Veth& veth, const std::string& rule) {
  const auto policy = swap::open(veth.target(), swap::Access::read);
  EXPECT_TRUE(ok(policy));
  const auto counts = swap::readCounts(*policy, policy->other());
  EXPECT_TRUE(ok(counts));
  for (size_t slot = 0; slot < policy->manifest.slots.size(); ++slot)
    if (policy->manifest.slots[slot].name == rule)
      return counts->slots[slot];
  return rule == "(retired)" ? counts->retired : abi::Cell{~uint64_t{0}, 0};
}

TEST_F(Carry, CountsGoOnByName) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(countingRules("a", {"x", "y"}, 0), veth.target(), {})));
  send(veth.peerIfindex(), 5);
  ASSERT_TRUE(ok(swap::attach(countingRules("b", {"y", "x"}, 0), veth.target(), {})));
  EXPECT_EQ(countOf(veth, "x").packets, 5u);
  send(veth.peerIfindex(), 7);
  EXPECT_EQ(countOf(veth, "y").packets, 7u);
  ASSERT_TRUE(ok(swap::attach(countingRules("c", {"y"}, 0), veth.target(), {})));
  EXPECT_EQ(countOf(veth, "y").packets, 7u);
  EXPECT_EQ(countOf(veth, "(retired)").packets, 5u);
  ASSERT_TRUE(ok(swap::attach(countingRules("d", {"x"}, 0), veth.target(), {})));
  EXPECT_EQ(countOf(veth, "x").packets, 0u);
  EXPECT_EQ(countOf(veth, "(retired)").packets, 12u);
}

TEST_F(Carry, ARenamedRuleKeepsItsCount) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(countingRules("a", {"x"}, 0), veth.target(), {})));
  send(veth.peerIfindex(), 5);
  auto renamed = countingRules("b", {"z"}, 0);
  renamed.manifest.rules[0].was = "x";
  renamed.manifest_json = abi::toJson(renamed.manifest);
  ASSERT_TRUE(ok(swap::attach(renamed, veth.target(), {})));
  EXPECT_EQ(countOf(veth, "z").packets, 5u);
}

TEST_F(Carry, AResetRuleStartsAfreshAndItsCountsRetire) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(countingRules("a", {"x"}, 0), veth.target(), {})));
  send(veth.peerIfindex(), 5);
  ASSERT_TRUE(ok(swap::attach(countingRules("a", {"x"}, 0), veth.target(), {.reset = {.names = {"x"}}})));
  EXPECT_EQ(countOf(veth, "x").packets, 0u);
  EXPECT_EQ(countOf(veth, "(retired)").packets, 5u);
  EXPECT_EQ(failure(swap::attach(countingRules("a", {"x"}, 0), veth.target(), {.reset = {.names = {"q"}}})),
            "neither policy has a `q` that could start afresh");
}

TEST_F(Carry, NoIncrementIsLostOverHundredsOfSwapsUnderAFlood) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(oneOfLayouts(0), veth.target(), {})));
  std::atomic<bool> stop = false;
  uint64_t sent = 0, reads = 0;
  std::thread sender([&] {
    for (; !stop; sent += 20'000)
      send(veth.peerIfindex(), 20'000);
  });
  // A reader that meets swaps sees totals that only grow.
  std::thread reader([&] {
    for (uint64_t last = 0; !stop; ++reads) {
      const uint64_t now = totalCounted(veth.target());
      EXPECT_GE(now, last);
      last = now;
    }
  });
  for (size_t i = 1; i <= 200; ++i) {
    const auto swapped = swap::attach(oneOfLayouts(i * 7 / 3), veth.target(), {});
    ASSERT_TRUE(ok(swapped));
    EXPECT_TRUE(swapped->warnings.empty());
  }
  stop = true;
  sender.join();
  reader.join();
  EXPECT_GT(sent, 1'000'000u);
  EXPECT_GT(reads, 100u);
  EXPECT_EQ(totalCounted(veth.target()), sent);
}

TEST_F(Carry, NoIncrementIsLostOrCountedTwiceWhoeverIsKilled) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(oneOfLayouts(0), veth.target(), {})));
  uint64_t sent = 0;
  size_t completed = 0;
  // Killed after every fortieth of the time that a swap takes here, the first ones at once.
  std::chrono::steady_clock::duration whole = {};
  for (int i = 0; i < 84; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto now = [&] { return std::chrono::steady_clock::now() - start; };
    const pid_t child = fork();
    if (child == 0) {
      (void)swap::attach(oneOfLayouts(i + 1), veth.target(), {});
      _exit(0);
    }
    int status = 0;
    const bool measures = i < 4;
    bool ended = false;
    while (measures ? !ended : now() < whole * (i % 40) / 40) {
      send(veth.peerIfindex(), 100);
      sent += 100;
      ended = ended || waitpid(child, &status, WNOHANG) == child;
    }
    if (measures)
      whole = std::max(whole, now());
    if (!ended) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
    completed += WIFEXITED(status);
    EXPECT_EQ(totalCounted(veth.target()), sent) << i;
  }
  EXPECT_LT(completed, 84u);
  ASSERT_TRUE(ok(swap::attach(oneOfLayouts(2), veth.target(), {})));
  EXPECT_EQ(totalCounted(veth.target()), sent);
}

} // namespace
} // namespace xdpc::live
