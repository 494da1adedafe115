// Namespaces, cables and frames.
#include "tests/runtime/world.h"

#include "runtime/kernel/test_run.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/list.h"
#include "runtime/swap/open.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace xdpc::live {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void skipAll(const std::string& feature, const std::string& reason) {
  fmt::print("skip {}: {}\n", feature, reason);
  std::exit(77);
}

void need(bool done, const char* what) {
  if (!done)
    skipAll("netns", fmt::format("{}: {}", what, strerror(errno)));
}

// Returns every frame through the device that it is said to come from.
const kernel::Fd& reflector() {
  static const kernel::Fd program = [] {
    const bpf_insn instructions[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_TX}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    return kernel::Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "reflector", "GPL", instructions, 2, nullptr));
  }();
  return program;
}

} // namespace

void enterWorld() {
  if (geteuid() != 0)
    skipAll("root", "not run as root");
  need(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, "cannot make namespaces");
  need(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "cannot make mounts private");
  need(mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) == 0, "cannot mount a bpffs");
  need(mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0, "cannot mount a tmpfs");
  need(mkdir("/run/netns", 0755) == 0, "cannot make /run/netns");
  setenv("TMPDIR", "/run", 1); // for the verifier's logs
  // Devices send nothing of their own, so that every packet is a test's.
  sh("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
  sh("ip link set lo up");
}

void sh(const std::string& command) {
  const int status = std::system(command.c_str());
  ASSERT_EQ(status, 0) << command;
}

Veth::Veth(const std::string& name, const std::string& options, const std::string& peer_options) : name_(name) {
  sh(fmt::format("ip link add {0} {1} type veth peer name {0}p {2}", name_, options, peer_options));
  sh(fmt::format("ip link set {0} up && ip link set {0}p up", name_));
}

Veth::~Veth() {
  if (if_nametoindex(name_.c_str()) != 0)
    sh(fmt::format("ip link del {}", name_));
}

uint32_t Veth::ifindex() const {
  return if_nametoindex(name_.c_str());
}
uint32_t Veth::peerIfindex() const {
  return if_nametoindex(peer().c_str());
}

std::vector<std::string> pins() {
  std::vector<std::string> paths;
  std::error_code failure; // there may be none
  for (const auto& entry : fs::recursive_directory_iterator("/sys/fs/bpf/xdpc", failure))
    paths.push_back(entry.path().string().substr(std::strlen("/sys/fs/bpf/xdpc/")));
  std::sort(paths.begin(), paths.end());
  return paths;
}

void LiveTest::TearDown() {
  const auto all = swap::list();
  ASSERT_TRUE(ok(all));
  for (const auto& attached : *all)
    if (attached.own_netns) {
      EXPECT_TRUE(ok(swap::detach({.device = attached.device})));
    }
  fs::remove_all("/sys/fs/bpf/xdpc");
}

void send(uint32_t ifindex, uint32_t count) {
  std::vector<uint8_t> frame(64, 0);
  std::fill_n(frame.begin(), 6, 0xff);
  frame[12] = 0x88; // an EtherType for experiments
  frame[13] = 0xb5;
  ASSERT_TRUE(ok(kernel::injectFrames(reflector(), frame, ifindex, count)));
}

uint64_t totalCounted(const swap::Target& target) {
  const auto policy = swap::open(target, swap::Access::read);
  EXPECT_TRUE(ok(policy));
  if (!policy)
    return 0;
  const auto counts = swap::readCounts(*policy, policy->other());
  EXPECT_TRUE(ok(counts));
  if (!counts)
    return 0;
  uint64_t sum = counts->retired.packets;
  for (const abi::Cell& cell : counts->slots)
    sum += cell.packets;
  return sum;
}

uint64_t packetsOf(const engine::Maps& maps, uint32_t counters) {
  uint64_t sum = 0;
  for (uint32_t offset = 0; offset < maps.valueSize(counters); offset += abi::kRowAlign) {
    uint64_t packets = 0;
    EXPECT_TRUE(maps.read(counters, offset, {reinterpret_cast<uint8_t*>(&packets), sizeof packets}));
    sum += packets;
  }
  return sum;
}

} // namespace xdpc::live
