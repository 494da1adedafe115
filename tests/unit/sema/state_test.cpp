// Sets, counters, meters and events as the IR has them.
#include "tests/unit/sema/support.h"

#include <fmt/format.h>

namespace xdpc {
namespace {

Checked state(const std::string& text) {
  return accept(text + "\npolicy p { default pass }\n");
}

TEST(Sets, defaultsAndClauses) {
  const Checked plain = state("set s of ip");
  EXPECT_EQ(plain.policy->sets[0].capacity, 65536u);
  EXPECT_EQ(plain.policy->sets[0].timeout_ns, 0u);
  EXPECT_FALSE(plain.policy->sets[0].refuse_when_full);
  const Checked full = state("set s of ip.prefix { capacity 100k  timeout 1h  when full refuse }");
  EXPECT_EQ(full.policy->sets[0].capacity, 100'000u);
  EXPECT_EQ(full.policy->sets[0].timeout_ns, 3600'000'000'000u);
  EXPECT_TRUE(full.policy->sets[0].refuse_when_full);
}

std::string initial(const std::string& type, const std::string& elements) {
  const Checked checked = state("set s of " + type + " = { " + elements + " }");
  std::string out;
  for (const abi::KeyValue& value : checked.policy->sets[0].initial)
    out += (out.empty() ? "" : " ") + abi::formatKey(checked.policy->sets[0].key, value);
  return out;
}

TEST(Sets, initialContents) {
  EXPECT_EQ(initial("ip", "192.0.2.1, ::1, 10.0.0.1-10.0.0.3"), "10.0.0.1 10.0.0.2 10.0.0.3 192.0.2.1 ::1");
  EXPECT_EQ(initial("ip.prefix", "192.0.2.0/24, 10.0.0.1-10.0.0.4"), "10.0.0.1 10.0.0.2/31 10.0.0.4 192.0.2.0/24");
  EXPECT_EQ(initial("ip.prefix", "0.0.0.0-255.255.255.255"), "0.0.0.0/0");
  EXPECT_EQ(initial("ip.prefix", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
  EXPECT_EQ(initial("port", "80-82, 80"), "80 81 82");
  EXPECT_EQ(initial("(ip, port)", "(192.0.2.7, 443), (192.0.2.8, 1-2)"),
            "(192.0.2.7, 443) (192.0.2.8, 1) (192.0.2.8, 2)");
  EXPECT_EQ(initial("mac", "02:00:5e:00:53:01"), "02:00:5e:00:53:01");
}

TEST(Sets, hugeRangesAreRefused) {
  EXPECT_EQ(check("set s of ip = { ::-ffff:: }\npolicy p { default pass }\n").count("bad-element"), 1u);
  EXPECT_EQ(check("set s of u64 = { 0-0xffffffffffffffff }\npolicy p { default pass }\n").count("bad-element"), 1u);
}

TEST(Sets, lengthsThatThePolicyAdds) {
  const Checked checked = accept("set s of ip.prefix\nset t of ipv4.prefix\npolicy p {\n"
                                 "a: when ip { add ip.src to s; add ip.src/24/64 to s; remove ip.dst from s }\n"
                                 "b: when ip { add ipv4.src/16 to t }\ndefault pass }\n");
  std::string lengths;
  for (const ir::Set& set : checked.policy->sets)
    for (const abi::PrefixLength& one : set.added_lengths)
      lengths += fmt::format("{}/{} ", one.family == abi::Family::v4 ? 4 : 6, one.length);
  EXPECT_EQ(lengths, "4/32 6/128 4/24 6/64 4/16 ");
  EXPECT_TRUE(checked.policy->sets[0].added_by_policy);
}

TEST(Counters, plainAndKeyed) {
  const Checked checked = state("counter a\ncounter b { per ip.src, tcp.dport  capacity 64k }");
  EXPECT_TRUE(checked.policy->counters[0].key.empty());
  EXPECT_EQ(abi::keyTypeName(checked.policy->counters[1].key_type), "(ip, port)");
  EXPECT_EQ(checked.policy->counters[1].capacity, 64'000u);
}

TEST(Keys, kindsFollowTheWidth) {
  const Checked checked = state(
      "counter c { per ip.src/24/64, ipv4.dst/16, ipv6.src, eth.src, ip.ttl, udp.len, ip.len, pkt.ifindex, tcp.syn }");
  EXPECT_EQ(abi::keyTypeName(checked.policy->counters[0].key_type),
            "(ip.prefix, ipv4.prefix, ipv6, mac, u8, u16, u32, u32, bool)");
}

TEST(Meters, ratesAndBursts) {
  const Checked checked = state("meter a { rate 200 pps }\nmeter b { rate 10 Mbps }\n"
                                "meter c { rate 5 kpps burst 10k per ip.src capacity 1M when full drop clock exact }\n"
                                "meter d { rate 8kbps burst 64KiB }");
  const auto& meters = checked.policy->meters;
  EXPECT_EQ(meters[0].burst, 200u);
  EXPECT_TRUE(meters[1].bits);
  EXPECT_EQ(meters[1].burst, 1'250'000u); // bytes of a second
  EXPECT_EQ(meters[2].rate, 5000u);
  EXPECT_EQ(meters[2].when_full, ir::WhenFull::drop);
  EXPECT_TRUE(meters[2].exact_clock);
  EXPECT_EQ(meters[3].burst, 65536u);
}

TEST(Events, fieldsAndWhatTheyNeed) {
  const Checked checked =
      state("event e { eth.src, vlan.id, ip.src, ip.proto, l4.dport, tcp.flags, pkt.len, tcp.syn }");
  std::string text;
  for (const ir::EventField& field : checked.policy->events[0].fields)
    text += fmt::format("{}:{}:{} ", field.name, abi::keyKindName(field.kind), field.needs.size());
  EXPECT_EQ(text, "eth.src:mac:1 vlan.id:u16:1 ip.src:ip:1 ip.proto:u8:1 l4.dport:port:1 tcp.flags:u8:1 pkt.len:u32:0 "
                  "tcp.syn:bool:1 ");
}

TEST(Bounds, areReported) {
  std::string fields = "event e { pkt.len", sets;
  for (int i = 0; i < 64; ++i)
    fields += fmt::format(", tcp.seq + {}", i);
  EXPECT_EQ(check(fields + " }\npolicy p { default pass }\n").count("too-large"), 1u);
  for (int i = 0; i < 1023; ++i)
    sets += fmt::format("set s{} of ip\n", i);
  EXPECT_EQ(check(sets + "policy p { default pass }\n").count("too-large"), 1u);
  EXPECT_EQ(check("counter c { per ip.src, ip.dst, ip.src/1/1, ip.src/2/2, ip.src/3/3, ip.src/4/4, ip.src/5/5 }\n"
                  "policy p { default pass }\n")
                .count("too-large"),
            1u);
}

} // namespace
} // namespace xdpc
