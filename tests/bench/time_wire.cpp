// Times what a device does with the frames that reach it: pairs of veth devices side by side, round by round in turn,
// generator and receiver on one CPU. For tests/bench/wire.py, which makes the devices and what filters there.
//
//   time_wire ROUNDS MILLISECONDS FRAME KEYS GENERATE.o PAIR[=OBJECT[=[MAP:]ELEMENTS,…]]…
//
// Frames are injected at PAIRa, leave it, and arrive at PAIRb, where OBJECT is attached to the driver's hook, or
// something else filters. FRAME and KEYS as in time_lookups.cpp; a key holds the checksum of the header, too (see
// c/generate.c). Prints a line of JSON: for each pair the mean ns a frame that arrived, by round, and the share that
// arrived.
#include "tests/bench/programs.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <sched.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

namespace {

using namespace xdpc;
using bench::fail;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kMostAtOnce = 8192, kLeastAtOnce = 64;
constexpr auto kPatience = std::chrono::milliseconds(20); // with a receiver that takes no more frames

double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

class Pair {
public:
  explicit Pair(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    to_name_ = name + "b:";
    from_ = if_nametoindex((name + "a").c_str());
    const uint32_t to = if_nametoindex((name + "b").c_str());
    if (from_ == 0 || to == 0)
      fail("no devices " + name);
    if (equals == std::string::npos)
      return;
    program_ = bench::loadFilled(argument.substr(equals + 1));
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    link_ = kernel::Fd(bpf_link_create(program_.program().get(), static_cast<int>(to), BPF_XDP, &options));
    if (!link_)
      fail(fmt::format("cannot attach to {}b: {}", name, strerror(errno)));
  }

  // As many at once as the receiver's ring takes without loss: a slow one falls behind, and what is lost has cost the
  // generator its time.
  void warmUp(const kernel::Fd& generate, std::span<const uint8_t> frame) {
    for (at_once_ = kMostAtOnce; at_once_ > kLeastAtOnce; at_once_ /= 2)
      if (const auto [ns, arrived] = run(generate, frame, std::chrono::milliseconds(50)); arrived > 0.999)
        return;
  }

  struct Round {
    double ns = 0, arrived = 0;
  };
  Round run(const kernel::Fd& generate, std::span<const uint8_t> frame, Clock::duration length) const {
    const uint64_t before = received();
    uint64_t sent = 0, arrived = 0;
    const auto start = Clock::now();
    auto last = start;
    while (last - start < length) {
      if (auto injected = kernel::injectFrames(generate, frame, from_, at_once_); !injected)
        fail(kernel::toText(injected.error()));
      sent += at_once_;
      last = await(before, sent, arrived);
    }
    return {nanoseconds(last - start) / double(std::max<uint64_t>(arrived, 1)), double(arrived) / double(sent)};
  }

private:
  // In this network namespace, which /sys need not be of.
  uint64_t received() const {
    std::ifstream devices("/proc/net/dev");
    std::string name;
    uint64_t bytes = 0, packets = 0;
    while (devices >> name)
      if (name == to_name_ && devices >> bytes >> packets)
        return packets;
    fail("no counts of " + to_name_);
  }

  // When the last one arrived.
  Clock::time_point await(uint64_t before, uint64_t sent, uint64_t& arrived) const {
    auto last = Clock::now();
    while (true) {
      const uint64_t now = received() - before;
      const auto time = Clock::now();
      if (now != arrived)
        last = time;
      arrived = now;
      if (arrived >= sent || time - last > kPatience)
        return last;
      sched_yield();
    }
  }

  std::string to_name_;
  uint32_t from_ = 0;
  uint32_t at_once_ = kMostAtOnce;
  bench::Program program_;
  kernel::Fd link_;
};

void stayOnOneCpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0)
    fail(fmt::format("cannot stay on one CPU: {}", strerror(errno)));
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 7)
    fail("usage: time_wire ROUNDS MILLISECONDS FRAME KEYS GENERATE.o PAIR[=OBJECT[=[MAP:]ELEMENTS,...]]...");
  const int rounds = atoi(argv[1]);
  const auto length = std::chrono::milliseconds(atoi(argv[2]));
  const auto frame = bench::readBytes(argv[3]);
  const auto generate = bench::loadFilled(fmt::format("{}=keys:{}", argv[5], argv[4]));
  std::vector<Pair> pairs;
  for (int i = 6; i < argc; ++i)
    pairs.emplace_back(argv[i]);
  stayOnOneCpu();
  for (Pair& pair : pairs)
    pair.warmUp(generate.program(), frame);
  std::vector<std::vector<double>> times(pairs.size()), arrived(pairs.size());
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto found = pairs[i].run(generate.program(), frame, length);
      times[i].push_back(found.ns);
      arrived[i].push_back(found.arrived);
    }
  fmt::print("{}\n", nlohmann::json{{"times", times}, {"arrived", arrived}}.dump());
}
