// Names that reach into tunnels, and fields that are not always there.
#include "tests/unit/sema/support.h"

#include <algorithm>

namespace xdpc {
namespace {

TEST(Inner, namesTheFirstBehind) {
  EXPECT_EQ(conditionText("vxlan.inner.tcp.dport == 80"),
            "(present(vxlan.inner.tcp) and (vxlan.inner.tcp.dport == 80))");
  EXPECT_EQ(conditionText("vlan.inner.vlan.id == 5"), "(present(vlan.inner.vlan) and (vlan.inner.vlan.id == 5))");
  EXPECT_EQ(conditionText("gre.inner.ip"), "present(gre.inner.ip)");
}

TEST(Inner, unionsStandForEveryWay) {
  const Checked checked = accept(withCondition("ip.inner.ip.ttl == 1"));
  const auto& headers = checked.policy->headers;
  const auto made =
      std::find_if(headers.begin(), headers.end(), [](const auto& it) { return it.name == "ip.inner.ip"; });
  ASSERT_NE(made, headers.end());
  EXPECT_EQ(made->alternatives.size(), 4u);
  EXPECT_EQ(checked.policy->packets, 3u); // the outermost, behind ipv4, behind ipv6
}

TEST(Inner, aPolicyWithoutNamesInTunnelsHasOnePacket) {
  EXPECT_EQ(accept(withCondition("vxlan.vni == 7")).policy->packets, 1u);
}

TEST(Inner, whatImpliesAHeaderSettlesItsWarning) {
  EXPECT_EQ(check(withCondition("vxlan.inner.tcp and vxlan.vni != 7")).count("maybe-absent"), 0u);
  EXPECT_EQ(check(withCondition("vxlan.inner.tcp and vxlan.inner.ip.ttl != 7")).count("maybe-absent"), 0u);
  EXPECT_EQ(check(withCondition("vxlan.inner.ip.ttl != 7")).count("maybe-absent"), 1u);
  EXPECT_EQ(check(withCondition("vxlan.inner.tcp and ip.ttl != 7")).count("maybe-absent"), 0u);
}

TEST(Inner, payloadIsThatOfTheTransport) {
  EXPECT_EQ(conditionText("vxlan.inner.payload[0] == 7"), conditionText("vxlan.inner.l4.payload[0] == 7"));
}

TEST(Inner, conditionsAskOfTheInnerPacket) {
  EXPECT_EQ(conditionText("vxlan.inner.nd"), conditionText("vxlan.inner.icmp6.type in 133-137"));
}

TEST(OptionalField, isAHeaderOfItsOwn) {
  EXPECT_EQ(conditionText("gre.key == 5"), "(present(gre.key) and (gre.key == 5))");
  EXPECT_EQ(conditionText("tcp.sack_permitted"), "present(tcp.sack_permitted)");
  EXPECT_EQ(check(withCondition("gre.key == 5 and gre.protocol != 7")).count("maybe-absent"), 0u);
}

} // namespace
} // namespace xdpc
