// Tables of keyed state with both CPUs at once: compiled policies in the kernel, with its clock, run by threads that
// are each held on a CPU of their own, while user space looks and changes.
#include "runtime/counters/counters.h"
#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"
#include "runtime/sets/sets.h"
#include "runtime/tables/table.h"
#include "tests/differential/compiled.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <sched.h>
#include <set>
#include <thread>

namespace xdpc {
namespace {

struct Loaded {
  std::unique_ptr<differential::Compiled> compiled;
  kernel::LoadedPolicy policy;

  const abi::Manifest& manifest() const { return compiled->object.manifest; }
  const engine::Maps& maps() const { return *policy.maps; }
  engine::Maps& maps() { return *policy.maps; }

  abi::Cell count(std::string_view name) const {
    for (const auto kind : {abi::SlotKind::rule, abi::SlotKind::system})
      if (const auto slot = counters::findSlot(manifest(), name, kind))
        return *counters::readSlot(maps(), manifest(), *slot);
    ADD_FAILURE() << "no count " << name;
    return {};
  }
};

Loaded load(const std::string& text) {
  Loaded loaded{differential::compile(text), {}};
  auto policy = kernel::loadPolicy(loaded.compiled->object, 0);
  EXPECT_TRUE(policy) << kernel::toText(policy.error());
  loaded.policy = std::move(*policy);
  return loaded;
}

std::vector<std::vector<uint8_t>> framesFrom(unsigned sources) {
  std::vector<std::string> packets;
  for (unsigned i = 0; i < sources; ++i)
    packets.push_back(i % 2 ? fmt::format("ipv6(src = 2001:db8::{:x})/udp", i)
                            : fmt::format("ipv4(src = 198.18.{}.{})/udp", i / 256, i % 256));
  return differential::buildFrames(packets);
}

uint64_t monotonic() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

// The work on each CPU that this process may use, at once.
unsigned onEachCpu(const std::function<void(unsigned number)>& work) {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  std::vector<std::thread> threads;
  std::atomic<unsigned> ready = 0;
  const auto cpus = static_cast<unsigned>(CPU_COUNT(&all));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &all))
      threads.emplace_back([&, cpu, number = static_cast<unsigned>(threads.size())] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        for (++ready; ready < cpus;)
          sched_yield();
        work(number);
      });
  for (std::thread& thread : threads)
    thread.join();
  return cpus;
}

void run(const Loaded& loaded, const std::vector<uint8_t>& frame, uint32_t times = 1) {
  const auto timing = kernel::timeRuns(loaded.policy.program, std::span<const uint8_t>(frame), times);
  EXPECT_TRUE(timing) << kernel::toText(timing.error());
}

TEST(Tables, NewKeysThatAllCpusMeetAreThereOnce) {
  constexpr unsigned kKeys = 300, kRuns = 3;
  Loaded loaded = load("counter seen { per ip.src  capacity 2k }\n"
                       "set met of ip { capacity 2k  count }\n"
                       "policy p {\nall: when udp { count seen; add ip.src to met }\nknown: drop when ip.src in met\n"
                       "default pass\n}\n");
  const auto frames = framesFrom(kKeys);
  const unsigned cpus = onEachCpu([&](unsigned) {
    for (const auto& frame : frames)
      run(loaded, frame, kRuns);
  });
  const auto counts = counters::readKeys(loaded.maps(), loaded.manifest(), loaded.manifest().counters[0]);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->size(), kKeys);
  // A thread that pauses with a lock makes others count elsewhere; nothing is lost.
  uint64_t counted = loaded.count("seen.other").packets;
  EXPECT_LE(counted, kKeys / 10);
  for (const counters::KeyedCount& one : *counts) {
    EXPECT_LE(one.cell.packets, cpus * kRuns) << abi::formatKey({{abi::KeyKind::Ip}}, one.key);
    counted += one.cell.packets;
  }
  EXPECT_EQ(counted, uint64_t{cpus} * kRuns * kKeys);
  const auto elements = sets::list(loaded.maps(), loaded.manifest(), loaded.manifest().sets[0], monotonic());
  ASSERT_TRUE(elements);
  EXPECT_EQ(elements->size(), kKeys);
  uint64_t hits = 0;
  for (const sets::Element& element : *elements)
    hits += element.hits.packets;
  EXPECT_EQ(hits, loaded.count("known").packets);
  EXPECT_EQ(loaded.count("known").packets + loaded.count("default").packets, uint64_t{cpus} * kRuns * kKeys);
}

TEST(Tables, AFullTableThatAllCpusEvictFromHasNoKeyTwice) {
  constexpr unsigned kKeys = 64;
  Loaded loaded =
      load("meter m { rate 10 pps burst 1000  per ip.src  capacity 16 }\n"
           "set s of ip { capacity 16  timeout 1h }\n"
           "policy p {\nadds: when udp { add ip.src to s }\nexcess: drop when udp over m\ndefault pass\n}\n");
  const auto frames = framesFrom(kKeys);
  const unsigned cpus = onEachCpu([&](unsigned number) {
    for (unsigned i = 0; i < 500; ++i)
      run(loaded, frames[(i * (2 * number + 7) + i / kKeys) % kKeys], 3);
  });
  const uint64_t total = uint64_t{cpus} * 1'500;
  EXPECT_EQ(loaded.count("adds").packets, total);
  EXPECT_EQ(loaded.count("excess").packets + loaded.count("default").packets, total);
  for (const uint32_t map : {*loaded.manifest().sets[0].exact_map, *loaded.manifest().meters[0].map}) {
    const auto type =
        map == loaded.manifest().sets[0].exact_map ? loaded.manifest().sets[0].key : loaded.manifest().meters[0].key;
    const auto table = tables::Table::open(loaded.maps(), loaded.manifest(), map, type, 1);
    ASSERT_TRUE(table);
    std::set<abi::KeyValue> keys;
    size_t found = 0;
    table->forEach([&](const abi::KeyValue& key, const tables::Words&) {
      keys.insert(key);
      ++found;
    });
    EXPECT_EQ(found, 16u);
    EXPECT_EQ(keys.size(), found);
  }
}

TEST(Tables, UserSpaceChangesAmongProgramsAndLosesNothing) {
  constexpr unsigned kKeys = 200;
  Loaded loaded = load("set s of ip { capacity 4k  timeout 1h }\n"
                       "policy p {\nhit: when ip.src in s { pass }\nadds: when udp { add ip.src to s; drop }\n"
                       "default pass\n}\n");
  const auto frames = framesFrom(kKeys);
  const abi::Set& set = loaded.manifest().sets[0];
  std::atomic<bool> stop = false;
  // Elements of its own, come and gone, while programs add theirs.
  std::thread user([&] {
    for (unsigned i = 0; !stop; ++i) {
      const std::vector<std::string> texts = {fmt::format("203.0.113.{}", i % 256)};
      const auto elements = sets::parseElements(set, texts);
      EXPECT_TRUE(sets::add(loaded.maps(), loaded.manifest(), set, *elements, {.now_ns = monotonic()}));
      EXPECT_TRUE(sets::remove(loaded.maps(), loaded.manifest(), set, *elements, monotonic()));
    }
  });
  const unsigned cpus = onEachCpu([&](unsigned) {
    for (unsigned round = 0; round < 3; ++round)
      for (const auto& frame : frames)
        run(loaded, frame, 2);
  });
  stop = true;
  user.join();
  const auto elements = sets::list(loaded.maps(), loaded.manifest(), set, monotonic());
  ASSERT_TRUE(elements);
  EXPECT_EQ(elements->size(), kKeys);
  // Each CPU can have added a key before it saw that of another, and then again none.
  EXPECT_GE(loaded.count("hit").packets, uint64_t{cpus} * kKeys * 6 - uint64_t{cpus} * kKeys);
}

// Prefixes around those that packets come from are added, removed and replaced all the time, and lines are used again.
TEST(Prefixes, ThatStayAreFoundWhateverElseChanges) {
  Loaded loaded = load("set s of ip.prefix { capacity 600 }\n"
                       "policy p {\nhit: pass when ip.src in s\ndefault drop\n}\n");
  const auto frames = framesFrom(200);
  const abi::Set& set = loaded.manifest().sets[0];
  const auto parse = [&](std::string text) { return *sets::parseElements(set, std::vector{std::move(text)}); };
  std::vector<sets::Element> stay;
  for (unsigned i = 0; i < 200; ++i)
    stay.push_back({parse(i % 2 ? fmt::format("2001:db8::{:x}", i) : fmt::format("198.18.0.{}", i))[0], abi::kNever});
  ASSERT_TRUE(sets::replace(loaded.maps(), loaded.manifest(), set, stay, 0));
  std::atomic<bool> stop = false;
  unsigned changes = 0;
  std::thread user([&] {
    for (unsigned i = 0; !stop; ++i, ++changes) {
      const auto other = parse(i % 3 ? fmt::format("198.18.{}.0/{}", i % 7, 24 + i % 2)
                                     : fmt::format("2001:db8::{:x}00/{}", i % 9, 120));
      EXPECT_TRUE(sets::add(loaded.maps(), loaded.manifest(), set, other, {.now_ns = monotonic()}));
      if (i % 50 == 0) {
        std::vector<sets::Element> all = stay;
        for (unsigned more = 0; more < i % 300; ++more)
          all.push_back({parse(fmt::format("198.18.0.{}/{}", more % 128 * 2, 31))[0], abi::kNever});
        EXPECT_TRUE(sets::replace(loaded.maps(), loaded.manifest(), set, all, monotonic()));
      } else if (i % 4) {
        EXPECT_TRUE(sets::remove(loaded.maps(), loaded.manifest(), set, other, monotonic()));
      }
    }
  });
  const unsigned cpus = onEachCpu([&](unsigned) {
    for (unsigned round = 0; round < 10; ++round)
      for (const auto& frame : frames)
        run(loaded, frame, 300);
  });
  stop = true;
  user.join();
  EXPECT_GT(changes, 0u);
  EXPECT_EQ(loaded.count("hit").packets, uint64_t{cpus} * 10 * 200 * 300);
  EXPECT_EQ(loaded.count("default").packets, 0u);
}

// Sources that never come again, as fast as the machine goes, against keys that are being limited: with places to
// spare, and with every place taken by live keys.
class Flood : public testing::TestWithParam<const char*> {};

TEST_P(Flood, DoesNotEvictKeysThatAreLimited) {
  constexpr unsigned kHonest = 50, kRandom = 500'000;
  const Loaded loaded = load(fmt::format("meter m {{ {}  per tcp.seq }}\n"
                                         "policy p {{\n"
                                         "step: when tcp.dport == 1 {{ tcp.seq = tcp.seq * 1664525 + 1013904223 }}\n"
                                         "excess: drop when tcp over m\ndefault pass\n}}\n",
                                         GetParam()));
  std::vector<std::string> packets = {"ipv4/tcp(dport = 1)"};
  for (unsigned i = 0; i < kHonest; ++i)
    packets.push_back(fmt::format("ipv4/tcp(dport = 2, seq = {})", i));
  const auto frames = differential::buildFrames(packets);
  for (unsigned i = 1; i <= kHonest; ++i)
    run(loaded, frames[i], 1'100);
  const uint64_t over = loaded.count("excess").packets;
  EXPECT_GT(over, 0u);
  onEachCpu([&](unsigned number) {
    if (number == 0)
      run(loaded, frames[0], kRandom);
  });
  EXPECT_LE(loaded.count("excess").packets, over + loaded.count("m.contended").packets);
  const abi::Meter& meter = loaded.manifest().meters[0];
  const auto table = tables::Table::open(loaded.maps(), loaded.manifest(), *meter.map, meter.key, 1);
  ASSERT_TRUE(table);
  for (uint64_t i = 0; i < kHonest; ++i)
    EXPECT_TRUE(table->find({i})) << i;
}

INSTANTIATE_TEST_SUITE_P(Tables, Flood,
                         testing::Values("rate 100 pps burst 1000  capacity 64k",
                                         "rate 1 pps burst 1000  capacity 1k"));

// How many packets a meter with one key has let pass, and how many more its bucket would at this moment.
struct Bucket {
  uint64_t time_ns;
  double passed, left;
};

Bucket look(const Loaded& loaded) {
  const abi::Meter& meter = loaded.manifest().meters[0];
  const auto table = tables::Table::open(loaded.maps(), loaded.manifest(), *meter.map, meter.key, 1);
  uint64_t word = 0;
  table->forEach([&](const abi::KeyValue&, const tables::Words& words) { word = words[0]; });
  const uint64_t now = monotonic(), window = abi::windowOf(meter);
  const uint64_t taken = std::min(window, tables::Rest::ofMeter(now, window).distance(word));
  return {now, static_cast<double>(loaded.count("default").packets),
          static_cast<double>(window - taken) / static_cast<double>(abi::costOf(meter))};
}

// Against the time that passed. What the threads did not ask for, as they paused, is still in the bucket.
TEST(Meters, LetPassWhatTheySayWithAllCpusOnOneKey) {
  constexpr uint64_t kRate = 200'000, kBurst = 400'000; // so that no pause of the threads loses tokens
  const Loaded loaded = load(fmt::format("meter m {{ rate {} pps burst {}  per ip.src }}\n"
                                         "policy p {{\nexcess: drop when udp over m\ndefault pass\n}}\n",
                                         kRate, kBurst));
  const auto frame = framesFrom(1)[0];
  run(loaded, frame, kBurst); // a full bucket earns nothing
  const Bucket before = look(loaded);
  EXPECT_LE(before.passed, kBurst * 1.1);
  onEachCpu([&](unsigned) {
    while (monotonic() < before.time_ns + 4'000'000'000)
      run(loaded, frame, 20'000);
  });
  const Bucket after = look(loaded);
  const double earned = kRate * static_cast<double>(after.time_ns - before.time_ns) / 1e9;
  const double given = after.passed - before.passed + after.left - before.left;
  fmt::print("{:.0f} passed, {:.0f} given for {:.0f} earned ({:.5f}); {} over, {} contended\n",
             after.passed - before.passed, given, earned, given / earned, loaded.count("excess").packets,
             loaded.count("m.contended").packets);
  EXPECT_NEAR(given / earned, 1, 0.001);
  EXPECT_GT(loaded.count("excess").packets, 0u);
}

} // namespace
} // namespace xdpc
