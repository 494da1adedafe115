// The lines of `test` blocks as the IR has them.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::vector<ir::TestStep> steps(const std::string& lines) {
  const Checked checked =
      accept("set s of ip.prefix\nset m of (ip, port)\ncounter c\ncounter k { per ip.src/24/64, tcp.dport }\n"
             "event e { pkt.len }\npolicy p { a: drop when tcp\ndefault pass }\ntest \"t\" {\n" +
             lines + "\n}\n");
  return checked.policy->tests.empty() ? std::vector<ir::TestStep>() : checked.policy->tests[0].steps;
}

TEST(TestBlocks, everyLine) {
  const auto all = steps("given s = { 198.51.100.0/24, ::1 }\nexpect drop by a for ipv4/tcp times 400\nwait 10m\n"
                         "expect counter a == 400\nexpect counter c >= 1\nexpect s has 198.51.100.0/24\n"
                         "expect m lacks (192.0.2.1, 80)\nexpect event e <= 3\nexpect pass by default for arp\n"
                         "expect counter default == 1");
  ASSERT_EQ(all.size(), 10u);
  EXPECT_EQ(all[0].elements.size(), 2u);
  EXPECT_EQ(all[1].verdict, ir::Verdict::Drop);
  EXPECT_EQ(all[1].rule, "a");
  EXPECT_EQ(all[1].times, 400u);
  EXPECT_EQ(all[2].wait_ns, 600'000'000'000u);
  EXPECT_EQ(all[3].rule, "a");
  EXPECT_EQ(all[4].rule, "");
  EXPECT_EQ(all[4].op, ir::Op::Ge);
  EXPECT_EQ(all[5].kind, ir::TestStepKind::Has);
  EXPECT_EQ(all[6].kind, ir::TestStepKind::Lacks);
  EXPECT_EQ(all[7].op, ir::Op::Le);
  EXPECT_EQ(all[7].number, 3u);
  EXPECT_EQ(all[9].rule, "default");
}

TEST(TestBlocks, aKeyIsCutToItsMask) {
  for (const char* key : {"203.0.113.7, 80", "(203.0.113.7, 80)", "203.0.113.0/24, 80"}) {
    const auto all = steps("expect counter k[" + std::string(key) + "] == 1");
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(abi::toString(std::get<abi::Prefix>(all[0].elements.at(0).at(0))), "203.0.113.0/24");
  }
}

} // namespace
} // namespace xdpc
