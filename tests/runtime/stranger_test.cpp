// Programs that are not xdpc's: refused with their name, replaced only if told to, links never broken.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/link.h"
#include "runtime/kernel/program.h"
#include "runtime/swap/attach.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;
using kernel::XdpMode;

class Stranger : public LiveTest {
protected:
  Stranger() {
    const bpf_insn instructions[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS},
                                     {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    program_ = kernel::Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", instructions, 2, nullptr));
    id_ = kernel::programInfo(program_.get())->id;
  }
  uint32_t running() const { return kernel::hookState(device_)->program_id; }

  Veth veth_{"a0"};
  kernel::Device device_{"a0", veth_.ifindex()};
  kernel::Fd program_;
  uint32_t id_ = 0;
};

TEST_F(Stranger, ANetlinkProgramIsRefusedByName) {
  ASSERT_TRUE(ok(kernel::attachByNetlink(device_, program_, XdpMode::native)));
  const auto attached = swap::attach(always("p", abi::kPass), veth_.target(), {});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().kind, ErrorKind::busy);
  EXPECT_EQ(
      failure(attached),
      fmt::format("`a0` already carries program {} (`stranger`), which is not xdpc's\ntake its place with --replace",
                  id_));
  EXPECT_EQ(running(), id_);
  EXPECT_TRUE(pins().empty());
}

TEST_F(Stranger, ANetlinkProgramIsReplacedIfToldTo) {
  for (const XdpMode mode : {XdpMode::native, XdpMode::generic}) {
    ASSERT_TRUE(ok(kernel::attachByNetlink(device_, program_, mode)));
    const auto attached = swap::attach(counting("ours", abi::kDrop), veth_.target(), {.replace = true});
    ASSERT_TRUE(ok(attached));
    EXPECT_EQ(attached->devices.at(0).mode, XdpMode::native);
    EXPECT_EQ(running(), attached->program_id);
    ASSERT_EQ(attached->warnings.size(), 1u);
    EXPECT_NE(attached->warnings[0].find("unfiltered"), std::string::npos);
    LiveTest::TearDown();
  }
}

TEST_F(Stranger, AFailedReplacementPutsItBack) {
  Veth other("b0");
  sh("ip link set lo up");
  const kernel::Device lo{"lo", 1};
  ASSERT_TRUE(ok(kernel::attachByNetlink(lo, program_, XdpMode::generic)));
  const auto attached =
      swap::attach(always("p", abi::kPass), {.device = "lo"}, {.mode = swap::Mode::native, .replace = true});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().message, "the driver of `lo` has no native mode");
  EXPECT_EQ(kernel::hookState(lo)->program_id, id_);
  ASSERT_TRUE(ok(kernel::detachByNetlink(lo, program_, XdpMode::generic)));
}

TEST_F(Stranger, ALinkIsNotBrokenEvenIfToldTo) {
  const auto link = kernel::createXdpLink(program_, device_, XdpMode::native);
  ASSERT_TRUE(ok(link));
  for (const bool replace : {false, true}) {
    const auto attached = swap::attach(always("p", abi::kPass), veth_.target(), {.replace = replace});
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().kind, ErrorKind::busy);
    EXPECT_NE(attached.error().message.find(fmt::format("`a0` carries program {} (`stranger`), which link ", id_)),
              std::string::npos)
        << failure(attached);
  }
  EXPECT_EQ(running(), id_);
}

TEST_F(Stranger, OurOwnLinkWithAnotherProgramIsNotOurs) {
  ASSERT_TRUE(ok(swap::attach(always("ours", abi::kPass), veth_.target(), {})));
  const auto pinned = pins();
  const kernel::Fd link(bpf_obj_get(("/sys/fs/bpf/xdpc/" + pinned.back()).c_str()));
  ASSERT_EQ(bpf_link_update(link.get(), program_.get(), nullptr), -EINVAL); // other attach type: the kernel refuses
}

} // namespace
} // namespace xdpc::live
