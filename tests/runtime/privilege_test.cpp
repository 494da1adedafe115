// Without a privilege the error says which one is missing and how to get it. Each case runs in a child that drops it.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/privilege.h"
#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run_engine.h"
#include "runtime/swap/attach.h"
#include "runtime/swap/list.h"

#include <functional>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace xdpc::live {
namespace {

using kernel::ErrorKind;

void keepCapabilities(uint64_t set) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  for (int i = 0; i < 2; ++i)
    data[i].effective = data[i].permitted = uint32_t(set >> (32 * i));
  if (syscall(SYS_capset, &header, data) != 0)
    _exit(99);
}

// What `work` returns, run with only these capabilities.
std::string with(uint64_t capabilities, const std::function<std::string()>& work) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    keepCapabilities(capabilities);
    const std::string answer = work();
    (void)!write(ends[1], answer.data(), answer.size());
    _exit(0);
  }
  close(ends[1]);
  std::string answer(4096, '\0');
  answer.resize(std::max<ssize_t>(0, read(ends[0], answer.data(), answer.size())));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return answer;
}

constexpr uint64_t bit(unsigned capability) {
  return uint64_t{1} << capability;
}

class Privilege : public LiveTest {};

TEST_F(Privilege, EachMissingCapabilityIsNamed) {
  auto missing = [] {
    std::string names;
    for (const auto& name : kernel::missingCapabilities())
      names += name + " ";
    return names;
  };
  EXPECT_EQ(with(0, missing), "CAP_BPF CAP_NET_ADMIN CAP_PERFMON ");
  EXPECT_EQ(with(bit(CAP_BPF) | bit(CAP_PERFMON), missing), "CAP_NET_ADMIN ");
  EXPECT_EQ(with(bit(CAP_SYS_ADMIN), missing), "");
}

TEST_F(Privilege, LoadingWithoutSaysHowToGetIt) {
  const std::string said = with(0, [] { return failure(kernel::loadPolicy(counting("p", abi::kPass), 0)); });
  EXPECT_EQ(said, "cannot create the map `counters` (1 entries of 8196 bytes): this needs CAP_BPF, CAP_NET_ADMIN, "
                  "CAP_PERFMON\nrun it as root (`sudo xdpc …`), or once `sudo setcap "
                  "cap_bpf,cap_net_admin,cap_perfmon+ep \"$(command -v xdpc)\"`");
}

TEST_F(Privilege, WithoutNetAdminTheProgramIsRefused) {
  const std::string said =
      with(bit(CAP_BPF) | bit(CAP_PERFMON), [] { return failure(kernel::loadPolicy(always("p", abi::kPass), 0)); });
  EXPECT_EQ(said.substr(0, said.find('\n')), "cannot load the program: this needs CAP_NET_ADMIN");
}

TEST_F(Privilege, WithoutPerfmonItWorksWithAWarning) {
  const std::string said = with(bit(CAP_BPF) | bit(CAP_NET_ADMIN), [] {
    const auto policy = kernel::loadPolicy(always("p", abi::kPass), 0);
    return policy ? policy->warnings.at(0) : failure(policy);
  });
  EXPECT_EQ(said, "without CAP_PERFMON the kernel masks every memory access of the program");
}

TEST_F(Privilege, TheThreeCapabilitiesSuffice) {
  Veth veth("a0");
  const std::string said = with(bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON),
                                [&] { return failure(swap::attach(counting("p", abi::kPass), veth.target(), {})); });
  EXPECT_EQ(said, "it worked");
}

TEST_F(Privilege, AnotherNamespaceNeedsSysAdmin) {
  sh("ip netns add inner");
  const std::string said = with(bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON), [] {
    return failure(swap::attach(always("p", abi::kPass), {.device = "lo", .netns = "inner"}, {}));
  });
  EXPECT_EQ(said, "cannot enter the network namespace: this needs CAP_SYS_ADMIN\nrun it as root (`sudo xdpc …`)");
  sh("ip netns del inner");
}

TEST_F(Privilege, AnOrdinaryUserIsToldBeforeAnythingIsTried) {
  Veth veth("a0");
  ASSERT_TRUE(ok(swap::attach(always("p", abi::kPass), veth.target(), {})));
  const auto before = pins();
  const std::string said = with(kernel::effectiveCapabilities(), [&] {
    if (setresuid(65534, 65534, 65534) != 0)
      return std::string("cannot become nobody");
    return failure(swap::attach(always("q", abi::kPass), veth.target(), {})) + "\n" + failure(swap::list());
  });
  EXPECT_EQ(said, "cannot attach to `a0`: this needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON\nrun it as root "
                  "(`sudo xdpc …`), or once `sudo setcap cap_bpf,cap_net_admin,cap_perfmon+ep \"$(command -v xdpc)\"`\n"
                  "cannot read `/sys/fs/bpf/xdpc`: permission denied\nrun it as root (`sudo xdpc …`)");
  EXPECT_EQ(pins(), before);
}

TEST_F(Privilege, ReplacingAStrangerNeedsSysAdmin) {
  Veth veth("a0");
  const auto stranger = kernel::loadPolicy(always("stranger", abi::kPass), 0);
  ASSERT_TRUE(ok(kernel::attachByNetlink({"a0", veth.ifindex()}, stranger->program, kernel::XdpMode::native)));
  const std::string said = with(bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON), [&] {
    return failure(swap::attach(counting("p", abi::kPass), veth.target(), {.replace = true}));
  });
  EXPECT_NE(said.find(": this needs CAP_SYS_ADMIN"), std::string::npos) << said;
}

TEST_F(Privilege, TheTestEngineMarksIt) {
  const std::string said = with(0, [] {
    const auto engine = kernel::loadForTest(always("p", abi::kPass));
    return std::string(!engine && engine.error().privilege ? "privilege" : "something else");
  });
  EXPECT_EQ(said, "privilege");
}

} // namespace
} // namespace xdpc::live
