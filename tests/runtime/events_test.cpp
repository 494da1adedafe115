// Reading events of a live policy: the lease, one reader, swaps and the end.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/follow_events.h"
#include "runtime/swap/open.h"

#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;
using namespace std::chrono_literals;

class Events : public LiveTest {
protected:
  void follow() {
    swap::EventSink sink;
    sink.policy = [this](const abi::Manifest& manifest) { note(manifest.policy); };
    sink.record = [this](std::span<const uint8_t> record) {
      uint32_t mark = 0;
      ASSERT_EQ(record.size(), 32u);
      std::memcpy(&mark, record.data() + 24, sizeof mark);
      note(std::to_string(mark));
    };
    end_.reset();
    reader_ = std::thread([this, sink] { end_ = swap::followEvents(veth_.target(), sink, stop_); });
  }
  void note(const std::string& word) {
    const std::lock_guard guard(mutex_);
    seen_ += word + " ";
  }
  // Waits until this was seen, at most some seconds.
  std::string seen(const std::string& expected) {
    for (const auto end = std::chrono::steady_clock::now() + 8s; std::chrono::steady_clock::now() < end;) {
      {
        const std::lock_guard guard(mutex_);
        if (seen_ == expected)
          break;
      }
      std::this_thread::sleep_for(5ms);
    }
    const std::lock_guard guard(mutex_);
    return seen_;
  }
  uint64_t lease() const {
    const auto policy = swap::open(veth_.target(), swap::Access::read);
    uint64_t until = 0;
    EXPECT_TRUE(policy->maps->read(0, 0, {reinterpret_cast<uint8_t*>(&until), sizeof until}));
    return until;
  }
  void waitForLease() {
    for (int i = 0; i < 400 && lease() == 0; ++i)
      std::this_thread::sleep_for(5ms);
  }

  Veth veth_{"a0"};
  std::atomic<bool> stop_ = false;
  std::thread reader_;
  std::optional<swap::Result<swap::EventsEnd>> end_;
  std::mutex mutex_;
  std::string seen_;
};

TEST_F(Events, AreWrittenOnlyWhileSomebodyReads) {
  ASSERT_TRUE(ok(swap::attach(reporting("p", 5), veth_.target(), {})));
  send(veth_.peerIfindex(), 3);
  follow();
  EXPECT_EQ(seen("p "), "p ");
  waitForLease();
  send(veth_.peerIfindex(), 2);
  EXPECT_EQ(seen("p 5 5 "), "p 5 5 ");
  const uint64_t early = lease();
  std::this_thread::sleep_for(1300ms);
  EXPECT_GT(lease(), early);
  stop_ = true;
  reader_.join();
  ASSERT_TRUE(ok(*end_));
  EXPECT_EQ(**end_, swap::EventsEnd::stopped);
  EXPECT_EQ(lease(), 0u);
  send(veth_.peerIfindex(), 2);
  EXPECT_EQ(seen("p 5 5 "), "p 5 5 ");
}

TEST_F(Events, HaveOneReaderAtATime) {
  ASSERT_TRUE(ok(swap::attach(reporting("p", 5), veth_.target(), {})));
  follow();
  waitForLease();
  const auto second = swap::followEvents(veth_.target(), {{}, [](auto) {}}, stop_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::busy);
  EXPECT_EQ(second.error().message, "somebody else already reads the events of `a0`");
  stop_ = true;
  reader_.join();
}

TEST_F(Events, GoOnAfterASwapAndEndWithTheDetach) {
  ASSERT_TRUE(ok(swap::attach(reporting("p", 5), veth_.target(), {})));
  follow();
  waitForLease();
  send(veth_.peerIfindex(), 1);
  EXPECT_EQ(seen("p 5 "), "p 5 ");
  ASSERT_TRUE(ok(swap::attach(reporting("q", 6), veth_.target(), {})));
  EXPECT_EQ(seen("p 5 q "), "p 5 q ");
  waitForLease();
  send(veth_.peerIfindex(), 1);
  EXPECT_EQ(seen("p 5 q 6 "), "p 5 q 6 ");
  ASSERT_TRUE(ok(swap::detach(veth_.target())));
  reader_.join();
  ASSERT_TRUE(ok(*end_));
  EXPECT_EQ(**end_, swap::EventsEnd::detached);
}

TEST_F(Events, APolicyWithoutAnySaysSo) {
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth_.target(), {})));
  EXPECT_EQ(failure(swap::followEvents(veth_.target(), {{}, [](auto) {}}, stop_)), "policy `p` declares no events");
}

} // namespace
} // namespace xdpc::live
