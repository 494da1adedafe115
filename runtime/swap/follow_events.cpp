// The loop of the one reader: renew the lease, read, look whether the policy is still there. Tested in
// tests/runtime/events_test.cpp.
#include "runtime/swap/follow_events.h"

#include "runtime/counters/counters.h"
#include "runtime/kernel/event_ring.h"
#include "runtime/swap/installed.h"
#include "runtime/swap/open.h"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <thread>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

constexpr uint64_t kLeaseNs = 3'000'000'000;
constexpr uint64_t kRenewNs = 1'000'000'000;
constexpr int kPollMs = 200;
// After some events, until the next look. A reader that waited for each would be woken by each, which costs it and the
// program more than the event; nobody sees the difference, and the ring has room for far more.
constexpr auto kPause = std::chrono::milliseconds(1);
// How often swaps may take away the generation that was just found.
constexpr int kAttempts = 10;

// The clock that programs compare the lease with.
uint64_t coarseNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::optional<uint32_t> mapOf(const abi::Manifest& manifest, abi::MapRole role) {
  for (uint32_t i = 0; i < manifest.maps.size(); ++i)
    if (manifest.maps[i].role == role)
      return i;
  return std::nullopt;
}

// A policy of which this is the reader. Gives the lease back at the end.
class Reader {
public:
  Reader(LivePolicy policy, Fd lock) : policy_(std::move(policy)), lock_(std::move(lock)) {}
  Reader(Reader&&) = default;
  ~Reader() {
    if (lock_)
      (void)lease(0);
  }

  static Result<Reader> start(const Target& target, const EventSink& sink) {
    for (int attempt = 1;; ++attempt) {
      auto reader = startOnce(target, sink);
      const bool overtaken = !reader && reader.error().kind == ErrorKind::system && reader.error().code == ENOENT;
      if (!overtaken || attempt == kAttempts)
        return reader;
    }
  }

  Result<Done> renew() { return lease(coarseNow() + kLeaseNs); }
  Result<Done> stopEvents() { return lease(0); }
  kernel::EventRing& ring() { return *ring_; }

  // Events that found no room since the last time.
  uint64_t lostSince() {
    const uint64_t now = lostNow();
    return now - std::exchange(lost_, now);
  }

  enum class Life { same, swapped, gone };
  Result<Life> life() const {
    const auto live = installed(policy_.folder);
    if (!live)
      return live.error();
    if (!*live)
      return Life::gone;
    return (*live)->policy_id == policy_.program_id ? Life::same : Life::swapped;
  }

private:
  static Result<Reader> startOnce(const Target& target, const EventSink& sink) {
    auto policy = open(target, Access::read);
    if (!policy)
      return policy.error();
    const auto path = generationPath(policy->folder, policy->number);
    Fd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock)
      return kernel::systemError(fmt::format("cannot open `{}`", path.string()), errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
      return KernelError{ErrorKind::busy, EWOULDBLOCK,
                         fmt::format("somebody else already reads the events of `{}`", target.device)};
    const auto control = mapOf(policy->manifest, abi::MapRole::control);
    const auto events = mapOf(policy->manifest, abi::MapRole::events);
    if (!control || !events)
      return KernelError{ErrorKind::not_found, ENOENT,
                         fmt::format("policy `{}` declares no events", policy->manifest.policy)};
    Reader reader(std::move(*policy), std::move(lock));
    reader.control_ = *control;
    auto ring = kernel::EventRing::open(reader.policy_.maps->fd(*events), sink.record);
    if (!ring)
      return ring.error();
    reader.ring_ = std::move(*ring);
    reader.lost_ = reader.lostNow();
    if (sink.policy)
      sink.policy(reader.policy_.manifest);
    return reader;
  }

  // What programs have counted, without what was taken over from others.
  uint64_t lostNow() const {
    const auto cells = counters::readCells(*policy_.maps, policy_.manifest);
    uint64_t lost = 0;
    for (const abi::Event& event : policy_.manifest.events)
      if (cells && event.lost)
        lost += (*cells)[*event.lost].packets;
    return lost;
  }

  Result<Done> lease(uint64_t until) {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&until), sizeof until);
    if (auto written = policy_.maps->write(control_, offsetof(abi::Control, event_lease_ns), bytes); !written)
      return KernelError{.code = written.error().code, .message = written.error().message};
    return Done{};
  }

  LivePolicy policy_;
  Fd lock_;
  uint32_t control_ = 0;
  uint64_t lost_ = 0;
  std::unique_ptr<kernel::EventRing> ring_;
};

void tellLost(Reader& reader, const EventSink& sink) {
  if (const uint64_t lost = reader.lostSince(); lost != 0 && sink.lost)
    sink.lost(lost);
}

enum class Until { stopped, swapped, gone };

// Reads until something ends it; what is in the ring then has been handed over.
Result<Until> readOn(Reader& reader, const EventSink& sink, const std::atomic<bool>& stop) {
  uint64_t renewed = 0;
  while (!stop) {
    if (const uint64_t now = coarseNow(); renewed == 0 || now - renewed >= kRenewNs) {
      const auto life = reader.life();
      if (!life)
        return life.error();
      if (*life != Reader::Life::same) {
        if (auto drained = reader.ring().drain(); !drained)
          return drained.error();
        return *life == Reader::Life::gone ? Until::gone : Until::swapped;
      }
      if (auto done = reader.renew(); !done)
        return done.error();
      renewed = now;
      tellLost(reader, sink);
    }
    const auto taken = reader.ring().wait(kPollMs);
    if (!taken)
      return taken.error();
    if (sink.rest)
      sink.rest();
    if (*taken != 0)
      std::this_thread::sleep_for(kPause);
  }
  // What came since the last look; and nothing more comes then, so that it has an end.
  if (auto done = reader.stopEvents(); !done)
    return done.error();
  if (auto drained = reader.ring().drain(); !drained)
    return drained.error();
  return Until::stopped;
}

} // namespace

Result<EventsEnd> followEvents(const Target& target, const EventSink& sink, const std::atomic<bool>& stop) {
  for (bool first = true;; first = false) {
    auto reader = Reader::start(target, sink);
    if (!reader) {
      const ErrorKind kind = reader.error().kind;
      if (!first && (kind == ErrorKind::not_found || kind == ErrorKind::no_device))
        return EventsEnd::detached;
      return reader.error();
    }
    const auto until = readOn(*reader, sink, stop);
    if (!until)
      return until.error();
    tellLost(*reader, sink);
    if (sink.rest)
      sink.rest();
    if (*until != Until::swapped)
      return *until == Until::gone ? EventsEnd::detached : EventsEnd::stopped;
  }
}

} // namespace xdpc::swap
