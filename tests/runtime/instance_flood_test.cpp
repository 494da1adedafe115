// Swaps of an instance of two devices under a flood over both: what was sent is what is counted, and readers that meet
// half a change see totals that only grow. A thousand swaps are for who asks for them.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/open.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>

namespace xdpc::live {
namespace {

constexpr uint32_t kBatch = 10'000;

// Frames reach a veth without a program of the driver's only with GRO.
void aggregate(const std::string& device) {
  const kernel::Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
  ethtool_value value{ETHTOOL_SGRO, 1};
  ifreq request{};
  std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  ASSERT_EQ(ioctl(fd.get(), SIOCETHTOOL, &request), 0) << strerror(errno);
}

class InstanceFlood : public LiveTest {
protected:
  Veth a{"a0"}, b{"b0"};

  void swapUnderFlood(swap::Mode mode, size_t swaps) {
    if (mode == swap::Mode::generic) {
      aggregate("a0");
      aggregate("b0");
    }
    ASSERT_TRUE(ok(swap::attach(oneOfLayouts(0), {.device = "a0,b0"}, {.mode = mode})));
    std::atomic<bool> stop = false;
    std::atomic<uint64_t> sent = 0, reads = 0;
    std::vector<std::thread> threads;
    for (const uint32_t peer : {a.peerIfindex(), b.peerIfindex()})
      threads.emplace_back([&, peer] {
        for (; !stop; sent += kBatch)
          send(peer, kBatch);
      });
    threads.emplace_back([&] {
      for (uint64_t last = 0; !stop; ++reads) {
        const uint64_t now = totalCounted({.device = "b0"});
        EXPECT_GE(now, last);
        last = now;
      }
    });
    const auto begin = std::chrono::steady_clock::now();
    for (size_t i = 1; i <= swaps; ++i) {
      const auto swapped = swap::attach(oneOfLayouts(i * 5 / 3), {.device = "a0,b0"}, {});
      EXPECT_TRUE(ok(swapped));
      EXPECT_TRUE(!swapped || swapped->warnings.empty());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    stop = true;
    for (std::thread& thread : threads)
      thread.join();
    EXPECT_GT(reads, swaps / 10);
    EXPECT_GT(sent, 10 * kBatch);
    EXPECT_EQ(totalCounted({.device = "b0"}), sent);
    RecordProperty("frames", std::to_string(sent));
    fmt::print("{} frames over two devices, {} swaps in {:.1f} s, {} reads\n", sent.load(), swaps, took.count(),
               reads.load());
  }
};

TEST_F(InstanceFlood, NoIncrementIsLostNative) {
  swapUnderFlood(swap::Mode::native, 60);
}

TEST_F(InstanceFlood, NoIncrementIsLostGeneric) {
  swapUnderFlood(swap::Mode::generic, 60);
}

TEST_F(InstanceFlood, DISABLED_AThousandSwapsNative) {
  swapUnderFlood(swap::Mode::native, 1'000);
}

TEST_F(InstanceFlood, DISABLED_AThousandSwapsGeneric) {
  swapUnderFlood(swap::Mode::generic, 1'000);
}

} // namespace
} // namespace xdpc::live
