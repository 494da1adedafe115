// Every diagnostic of the checker, where it has to stand, and that nothing follows from it.
#include "tests/unit/sema/support.h"

#include <fmt/format.h>

namespace xdpc {
namespace {

struct Case {
  const char* title;
  const char* name;   // of the only diagnostic
  std::string policy; // with @ before the place
};

std::string rules(const std::string& text) {
  return "policy p {\n" + text + "\ndefault pass }\n";
}
std::string state(const std::string& text) {
  return text + "\npolicy p { default pass }\n";
}
std::string testing(const std::string& text) {
  return "policy p { a: drop when tcp\ndefault pass }\nset s of ip\nset n of ip.prefix\ncounter c\ncounter k { per "
         "ip.src }\n"
         "event e { ip.src }\ntest \"t\" {\n" +
         text + "\n}\n";
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      // names
      {"header", "unknown-name", withCondition("@tpc")},
      {"header of a field", "unknown-name", withCondition("@tpc.dport == 22")},
      {"field", "unknown-name", withCondition("tcp.@dprot == 22")},
      {"packet field", "unknown-name", withCondition("pkt.@lenght > 5")},
      {"bare len", "unknown-name", withCondition("@len > 5")},
      {"function", "unknown-name", withCondition("@u33(ipv4.src) == 1")},
      {"set in", "unknown-name", withCondition("ip.src in @baned")},
      {"counter", "unknown-name", rules("a: count @nix")},
      {"counter in when", "unknown-name", rules("a: when tcp { count @nix }")},
      {"meter", "unknown-name", rules("a: drop when tcp over @nix")},
      {"event", "unknown-name", rules("a: when tcp { emit @nix }")},
      {"set of add", "unknown-name", rules("a: when tcp { add ip.src to @nix }")},
      {"element type", "unknown-name", state("set s of @adress")},
      {"type of a header's field", "unknown-name", state("header h { a: @u65 }")},
      {"header of payload", "unknown-name", state("header h { a: u8\npayload by a { 1 => @nix } }")},
      {"duplicate", "duplicate-name", state("const a = 1\nset @a of ip")},
      {"duplicate of the library", "duplicate-name", state("const @tcp = 1")},
      {"policy of the file", "duplicate-name", "const p = 1\npolicy @p { default pass }\n"},
      {"rule", "duplicate-name", rules("a: drop when tcp\n@a: drop when udp")},
      {"counter with a rule's name", "duplicate-name", rules("@c: drop when tcp") + "counter c\n"},
      {"meter of a rule", "duplicate-name", rules("m: drop when tcp @over 5 pps") + "meter m { rate 1 pps }\n"},
      {"field of a header", "duplicate-name", state("header h { a: u8; @a: u8 }")},
      {"field of an event", "duplicate-name", state("event e { ip.src, @ip.src }")},
      {"counter for a set", "wrong-kind", rules("a: when tcp { add ip.src to @c }") + "counter c\n"},
      {"field of a set", "wrong-kind", withCondition("@s.src == 1") + "set s of ip\n"},
      {"in a counter", "wrong-kind", withCondition("ip.src in @c") + "counter c\n"},
      {"in a field", "wrong-kind", withCondition("ip.src in @ip.dst")},
      // types
      {"port and address", "type-mismatch", withCondition("@tcp.dport == 192.0.2.1")},
      {"address and number", "type-mismatch", withCondition("@ip.src == 5")},
      {"families", "type-mismatch", withCondition("@ipv4.src == 2001:db8::1")},
      {"families of fields", "type-mismatch", withCondition("@ipv4.src == ipv6.src")},
      {"address arithmetic", "type-mismatch", withCondition("@ip.src + 1 == 5")},
      {"number of either family", "type-mismatch", withCondition("@u32(ip.src) == 5")},
      {"number of two", "type-mismatch", withCondition("@u32(ipv4.src, ipv4.dst) == 5")},
      {"element of another type", "type-mismatch", withCondition("tcp.dport in { @192.0.2.1 }")},
      {"element of the other family", "type-mismatch", withCondition("ipv4.src in { @2001:db8::/32 }")},
      {"constant of the other family", "type-mismatch", withCondition("ipv4.src in @c") + "const c = { ::1 }\n"},
      {"condition in a set", "type-mismatch", withCondition("@tcp.syn in { 1 }")},
      {"address of either family in a set of one", "type-mismatch", withCondition("@ip.src in s") + "set s of ipv4\n"},
      {"mask in a lookup", "type-mismatch", withCondition("@ip.src/24/64 in s") + "set s of ip.prefix\n"},
      {"mask in a set of addresses", "type-mismatch",
       rules("a: when tcp { add @ip.src/24/64 to s }") + "set s of ip\n"},
      {"mask of a number", "type-mismatch", withCondition("@tcp.dport/8 == 1")},
      {"order of addresses", "no-order", withCondition("ip.src @< 192.0.2.1")},
      {"order of conditions", "no-order", withCondition("tcp.syn @> tcp.ack")},
      {"constant too large", "out-of-range", withCondition("tcp.dport == @70000")},
      {"constant too large, in front", "out-of-range", withCondition("@70000 == tcp.dport")},
      {"u4 is not 17", "out-of-range", withCondition("ipv4.ihl == @17")},
      {"negative", "out-of-range", withCondition("tcp.dport == @-1")},
      {"one bit is not 2", "out-of-range", withCondition("tcp.syn == @2")},
      {"element too large", "out-of-range", withCondition("tcp.dport in { 80, @70000 }")},
      {"shift", "out-of-range", withCondition("tcp.seq << @64 == 1")},
      {"narrowing", "out-of-range", withCondition("@u8(tcp.dport) == 1")},
      {"value into a narrow set", "out-of-range", withCondition("@tcp.dport in s") + "set s of u8\n"},
      {"overflow", "overflow", withCondition("tcp.dport == @0x7fffffffffffffff + 1")},
      {"overflow of a product", "overflow", state("const c = @1G * 100G")},
      {"number as condition", "not-a-condition", withCondition("@tcp.dport")},
      {"number under not", "not-a-condition", withCondition("not @tcp.dport")},
      {"number in and", "not-a-condition", withCondition("tcp and @ip.ttl")},
      {"set as condition", "not-a-value", withCondition("@s") + "set s of ip\n"},
      {"frame as condition", "not-a-value", withCondition("@pkt")},
      {"prefix compared", "not-a-value", withCondition("ip.src == @10.0.0.0/8")},
      {"range compared", "not-a-value", withCondition("tcp.dport == @80-90")},
      {"constant set compared", "not-a-value", withCondition("tcp.dport != @web") + "const web = { 80 }\n"},
      {"set compared", "not-a-value", withCondition("ip.src == @s") + "set s of ip\n"},
      {"literal set compared", "not-a-value", withCondition("tcp.dport == @{ 80, 443 }")},
      {"element that is no constant", "not-constant", withCondition("tcp.dport in { @tcp.sport }")},
      {"mask without IPv6", "bad-mask", withCondition("@ip.src/24 == ip.dst/24/64")},
      {"mask too long", "bad-mask", withCondition("@ipv4.src/33 == 10.0.0.1")},
      {"mask of one family", "bad-mask", withCondition("@ipv4.src/24/64 == 10.0.0.0")},
      {"time compared", "wrong-unit", withCondition("pkt.len > @5s")},
      {"absent and unequal", "maybe-absent", withCondition("@tcp.dport != 22")},
      {"absent and not in", "maybe-absent", withCondition("udp and @tcp.dport not in { 22 }")},
      {"constant of itself", "cyclic-definition", state("const @a = b\nconst b = not a")},
      {"field of itself", "cyclic-definition", state("header h { a: u8; @b = b + 1 }")},
      // headers
      {"inner of nothing", "not-a-value", withCondition("@vxlan.inner")},
      {"what never follows", "never-follows", withCondition("@udp.inner.vlan.id == 5")},
      {"three tunnels", "too-many-tunnels", withCondition("@gre.inner.gre.inner.gre.inner.tcp")},
      {"field ahead", "not-a-value", withCondition("@mpls.version == 4")},
      {"optional field and unequal", "maybe-absent", withCondition("@gre.key != 5")},
      {"size of zero", "header-size", state("header @h { }")},
      {"size of optional fields", "header-size", state("header @h { a: u8 when tcp }")},
      {"size below the fields", "header-size", state("header h { a: u32; size @3 }")},
      {"circle", "header-cycle",
       state("header h { a: u8; payload by a { 1 => i } }\nheader i { a: u8; payload by a { @1 => h } }")},
      {"entry twice", "header-overlap", state("header h { a: u8; payload by a { 1 => dns, @1 => ntp } }")},
      {"entry of the library", "header-overlap", state("extend udp { payload by dport { @53 => vxlan } }")},
      {"option twice", "header-overlap", state("header h { a: u8; option 2 b: u8; @option 2 c: u8; size a }")},
      {"options without an end", "bad-header", state("header @h { a: u8; option 2 b: u8 }")},
      {"optional field of an extension", "bad-header",
       state("extension header h of ipv6 { n: u8; @b: u8 when n == 1; payload by n }")},
      // payloads
      {"index of a number", "type-mismatch", withCondition("@tcp.dport[2] == 5")},
      {"index beyond", "out-of-range", withCondition("payload[@512] == 5")},
      {"index of a packet", "not-constant", withCondition("payload[@ip.ttl] == 5")},
      {"end of a slice", "out-of-range", withCondition("payload[0:@513] == \"x\"")},
      {"slice of nothing", "empty-range", withCondition("@payload[4:4] == \"x\"")},
      {"slice of another length", "type-mismatch", withCondition("@payload[0:4] == \"GET\"")},
      {"slice and number", "type-mismatch", withCondition("@payload[0:2] == 0x1603")},
      {"order of slices", "no-order", withCondition("payload[0:2] @< \"ab\"")},
      {"whole payload", "type-mismatch", withCondition("@payload == \"GET\"")},
      {"payload as a condition", "not-a-condition", withCondition("@payload")},
      {"slice in a set of another length", "type-mismatch", withCondition("payload[0:2] in { @\"GET\" }")},
      {"long slice in a set", "type-mismatch", withCondition("payload[0:9] in { @\"GET\" }")},
      {"number of too many bytes", "out-of-range", withCondition("@u16(payload[0:3]) == 5")},
      {"number of a payload", "out-of-range", withCondition("@u16(payload) == 5")},
      {"contains without a limit", "missing-within", withCondition("payload @contains \"x\"")},
      {"contains beyond", "out-of-range", withCondition("payload contains \"x\" within @513")},
      {"contains what is too long", "out-of-range", withCondition("payload contains @\"abc\" within 2")},
      {"contains nothing", "out-of-range", withCondition("payload contains @\"\" within 2")},
      {"contains a number", "type-mismatch", withCondition("payload contains @5 within 20")},
      {"contains a set", "not-a-value", withCondition("payload contains @{ \"a\", \"b\" } within 20")},
      {"contains of a field", "type-mismatch", withCondition("@ip.src contains \"a\" within 20")},
      {"any of numbers", "type-mismatch", withCondition("payload contains any { @5 } within 20")},
      {"starts with a number", "type-mismatch", withCondition("payload starts with @5")},
      {"payload in a header", "bad-header", state("header h { a: u8; b = @payload[0] }")},
      // rules
      {"no default", "missing-default", "policy @p { a: drop when tcp }\n"},
      {"default without verdict", "missing-verdict", "policy p {\n@default { count c } }\ncounter c\n"},
      {"behind a verdict", "after-verdict", rules("a: when tcp { drop; @count c }") + "counter c\n"},
      {"behind a branch", "after-verdict",
       rules("a: when tcp { when tcp.syn { drop } else { pass }; @count c }") + "counter c\n"},
      {"sample", "out-of-range", rules("a: when tcp { @emit e sample 1/5000000000 }") + "event e { ip.src }\n"},
      {"no policy", "one-policy", "@const a = 1\n"},
      {"two policies", "one-policy", "policy p { default pass }\npolicy @q { default pass }\n"},
      {"promise", "protect-unproved", "policy p { default pass }\nprotect \"x\" { @never drop when tcp }\n"},
      // state
      {"rate without unit", "missing-unit", state("meter m { rate @200 }")},
      {"rate of time", "wrong-unit", state("meter m { rate @200ms }")},
      {"no rate", "bad-clause", state("@meter m { burst 5 }")},
      {"rate too large", "out-of-range", state("meter m { rate @20000 Mpps }")},
      {"burst without bytes", "missing-unit", state("meter m { rate 10 Mbps burst @500 }")},
      {"burst in bytes", "wrong-unit", state("meter m { rate 10 pps burst @500B }")},
      {"burst too long", "out-of-range", state("meter m { rate 1 pps burst @1M }")},
      {"capacity without key", "bad-clause", state("meter m { rate 1 pps capacity @5 }")},
      {"timeout of a meter", "bad-clause", state("meter m { rate 1 pps timeout @5s }")},
      {"when full of a meter", "bad-clause", state("meter m { rate 1 pps per ip.src when full @refuse }")},
      {"when full of a set", "bad-clause", state("set s of ip { when full @drop }")},
      {"when full of a counter", "bad-clause", state("counter c { per ip.src when full @evict }")},
      {"capacity of a plain counter", "bad-clause", state("counter c { capacity @5 }")},
      {"rate of a set", "bad-clause", state("set s of ip { rate @5 pps }")},
      {"capacity 0", "out-of-range", state("set s of ip { capacity @0 }")},
      {"capacity too large", "out-of-range", state("set s of ip { capacity @1G }")},
      {"capacity with unit", "wrong-unit", state("set s of ip { capacity @5s }")},
      {"timeout without unit", "missing-unit", state("set s of ip { timeout @5 }")},
      {"timeout of bytes", "wrong-unit", state("set s of ip { timeout @5KiB }")},
      {"for without unit", "missing-unit", rules("a: when tcp { add ip.src to s for @5 }") + "set s of ip\n"},
      {"too many at the start", "out-of-range", state("set s of port { capacity 2 } = @{ 1-3 }")},
      {"prefix in a set of addresses", "bad-element", state("set s of ip = { @10.0.0.0/8 }")},
      {"element of another kind", "bad-element", state("set s of ip = { @5 }")},
      {"parts", "bad-element", state("set s of (ip, port) = { @192.0.2.1 }")},
      {"eight prefixes", "bad-element",
       state("set s of (@ip.prefix, ip.prefix, ip.prefix, ip.prefix, ip.prefix, ip.prefix, ip.prefix, ip.prefix)")},
      {"parts of a lookup", "bad-element", withCondition("@ip.src in s") + "set s of (ip, port)\n"},
      {"number in a set", "out-of-range", state("set s of u8 = { @256 }")},
      {"key of a constant", "type-mismatch", state("counter c { per @5 }")},
      {"event of a constant", "type-mismatch", state("event e { @5 }")},
      // headers
      {"odd bits", "bad-header", state("header @h { a: u7 }")},
      {"parts that do not fill", "bad-header", state("header h { @a: u8 { b: u4  c: u3 } }")},
      {"unaligned address", "bad-header", state("header h { a: u4; @b: ipv4; c: u4 }")},
      {"selector that is none", "bad-header", state("header h { a: u8; payload by @b { 1 => tcp } }")},
      {"extend with fields", "bad-header", state("@extend udp { a: u8 }")},
      {"selector value", "out-of-range", state("header h { a: u8; payload by a { @256 => tcp } }")},
      // tests
      {"rule of a test", "unknown-name", testing("expect drop by @nix for ipv4/tcp")},
      {"counter of a test", "unknown-name", testing("expect counter @nix == 1")},
      {"set of a test", "unknown-name", testing("given @nix = { 192.0.2.1 }")},
      {"event of a test", "unknown-name", testing("expect event @nix == 1")},
      {"counter of a test with a dot", "unknown-name", testing("expect counter @c.full == 1")},
      {"set counted", "wrong-kind", testing("expect counter @s == 1")},
      {"key of a plain counter", "bad-element", testing("expect counter @c[192.0.2.1] == 1")},
      {"no key", "bad-element", testing("expect counter @k == 1")},
      {"key of another type", "bad-element", testing("expect counter k[@5] == 1")},
      {"wait without unit", "missing-unit", testing("wait @5")},
      {"times", "out-of-range", testing("@expect drop for ipv4/tcp times 1000000000")},
      {"header of a packet", "unknown-name", testing("expect drop for @ipv5/tcp")},
      {"field of a packet", "unknown-name", testing("expect drop for ipv4/tcp(@dprot = 5)")},
      {"value of a packet", "out-of-range", testing("expect drop for ipv4/tcp(dport = @70000)")},
      {"type of a packet's value", "type-mismatch", testing("expect drop for ipv4(src = @5)/tcp")},
      {"family of a packet's value", "type-mismatch", testing("expect drop for ipv4(src = @::1)/tcp")},
      {"packet that is not constant", "not-constant", testing("expect drop for ipv4/tcp(dport = @tcp.sport)")},
      {"union", "bad-packet", testing("expect drop for @ip/tcp")},
      {"order", "bad-packet", testing("expect drop for ipv4/@arp")},
      {"derived", "bad-packet", testing("expect drop for ipv4(@len = 5)/tcp")},
      {"twice", "bad-packet", testing("expect drop for ipv4(ttl = 1, @ttl = 2)/tcp")},
      {"truncate", "bad-packet", testing("expect drop for @ipv4/tcp truncate 13")},
      {"too large", "out-of-range", testing("expect drop for ipv4/tcp/payload(@70000)")},
      {"pkt behind", "bad-packet", testing("expect drop for ipv4/@pkt(ifindex = 3)/tcp")},
  };
  return all;
}

TEST(Diagnostics, haveTheirPlaceAndNothingFollows) {
  for (const Case& one : cases()) {
    std::string text = one.policy;
    const size_t mark = text.find('@');
    ASSERT_NE(mark, std::string::npos) << one.title;
    text.erase(mark, 1);
    const Checked checked = check(text);
    const auto& found = checked.emitter->diagnostics();
    ASSERT_EQ(found.size(), 1u) << one.title << "\n" << text << checked.messages();
    EXPECT_STREQ(diag::info(found[0].id).name, one.name) << one.title << "\n" << checked.messages();
    EXPECT_EQ(found[0].span.begin, mark) << one.title << "\n" << checked.messages();
    EXPECT_EQ(checked.policy.has_value(), !checked.emitter->hasErrors()) << one.title;
  }
}

} // namespace
} // namespace xdpc
