// Two commands at once on one device: the second waits, and if that takes too long says so and changes nothing.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/open.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <sys/wait.h>
#include <thread>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;
constexpr const char* kBusy = "another xdpc is at work on `a0`\ntry again when it has finished";

class Lock : public LiveTest {};

TEST_F(Lock, ASecondCommandIsTurnedAway) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  {
    const auto held = swap::open(veth.target(), swap::Access::change);
    ASSERT_TRUE(ok(held));
    EXPECT_EQ(failure(swap::attach(always("q", abi::kPass), veth.target(), {})), kBusy);
    EXPECT_EQ(failure(swap::detach(veth.target())), kBusy);
    EXPECT_TRUE(ok(swap::open(veth.target(), swap::Access::read)));
  }
  EXPECT_TRUE(ok(swap::attach(always("q", abi::kPass), veth.target(), {})));
}

TEST_F(Lock, ASecondCommandWaitsForTheFirst) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  auto held = std::make_optional(swap::open(veth.target(), swap::Access::change));
  ASSERT_TRUE(ok(*held));
  std::thread first([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    held.reset();
  });
  EXPECT_TRUE(ok(swap::open(veth.target(), swap::Access::change)));
  first.join();
}

TEST_F(Lock, TheLastDetachLeavesNothing) {
  Veth veth("a0"), other("b0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), other.target(), {})));
  const auto folder = veth.target().bpffs / "xdpc";
  ASSERT_TRUE(ok(swap::detach(veth.target())));
  EXPECT_TRUE(std::filesystem::exists(folder));
  ASSERT_TRUE(ok(swap::detach(other.target())));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(Lock, CommandsThatRaceOnlyEverFindTheOtherBusyOrDone) {
  Veth veth("a0");
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (children.back() != 0)
      continue;
    for (int round = 0; round < 40; ++round) {
      const auto attached = swap::attach(always("p", abi::kPass), veth.target(), {});
      const auto detached = swap::detach(veth.target());
      if (!attached && attached.error().kind != ErrorKind::busy)
        _exit(!!write(2, attached.error().message.data(), attached.error().message.size()));
      if (!detached && detached.error().kind != ErrorKind::busy && detached.error().kind != ErrorKind::not_found)
        _exit(!!write(2, detached.error().message.data(), detached.error().message.size()));
    }
    _exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(ok(swap::attach(always("last", abi::kPass), veth.target(), {})));
  EXPECT_EQ(pins().size(), 7u);
}

TEST_F(Lock, AKilledCommandLeavesNoLockBehind) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto held = swap::open(veth.target(), swap::Access::change);
    (void)!write(ready[1], held ? "y" : "n", 1);
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_EQ(failure(swap::detach(veth.target())), kBusy);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(ok(swap::detach(veth.target())));
}

} // namespace
} // namespace xdpc::live
