// `in` and `not in` with dynamic sets.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::string textWith(const std::string& condition, const std::string& declarations) {
  const Checked checked = accept(withCondition(condition) + declarations);
  return checked.policy->rules.empty() ? "" : ir::toText(*checked.policy, *checked.policy->rules[0].condition);
}

TEST(Membership, keysAreFields) {
  EXPECT_EQ(textWith("ip.src in s", "set s of ip.prefix\n"), "(present(ip) and (ip.src in s))");
  EXPECT_EQ(textWith("(ip.src, tcp.dport) in s", "set s of (ip, port)\n"),
            "(present(ip) and present(tcp) and ((ip.src, tcp.dport) in s))");
  EXPECT_EQ(textWith("ip and ip.src not in s", "set s of ip\n"),
            "(present(ip) and (present(ip) and not (ip.src in s)))");
  EXPECT_EQ(textWith("ip.proto in s", "set s of u16\n"), "(present(ip) and (ip.proto in s))");
  EXPECT_EQ(textWith("eth.src in s", "set s of mac\n"), "(present(eth) and (eth.src in s))");
}

TEST(Membership, oneFamilyIsPartOfBoth) {
  EXPECT_EQ(textWith("ipv4.src in s", "set s of ip\n"), "(present(ipv4) and (ipv4.src in s))");
}

TEST(Membership, setsThatAreAskedAreUsed) {
  const Checked checked = accept(withCondition("ip.src in a") + "set a of ip\nset b of ip\n");
  EXPECT_TRUE(checked.policy->sets[0].used);
  EXPECT_FALSE(checked.policy->sets[1].used);
}

TEST(Membership, everyElementType) {
  for (const char* type : {"ip", "ipv4", "ipv6", "ip.prefix", "ipv4.prefix", "ipv6.prefix", "mac", "port", "u8", "u16",
                           "u32", "u64", "(ip, port)", "(ip.prefix, port, u8)"})
    accept(std::string("set s of ") + type + "\npolicy p { default pass }\n");
}

} // namespace
} // namespace xdpc
