// The layout: blanks, lines, comments, columns.
#include "compiler/format/format.h"

#include "compiler/ast/print.h"

#include <gtest/gtest.h>

namespace xdpc::format {
namespace {

std::string formatted(const std::string& text) {
  diag::Emitter emitter;
  const SourceFile source("test.xf", text);
  const auto out = format(source, emitter);
  return out ? *out : diag::render(emitter, false);
}

// The text is laid out already.
void expectKept(const std::string& text) {
  EXPECT_EQ(formatted(text), text);
}

TEST(Format, BlanksBetweenTokens) {
  EXPECT_EQ(formatted("const a={80,443 , 8000-8099}\n"), "const a = { 80, 443, 8000-8099 }\n");
  EXPECT_EQ(formatted("const a = tcp.syn and not( tcp.ack or udp )\n"), "const a = tcp.syn and not (tcp.ack or udp)\n");
  EXPECT_EQ(formatted("const a = udp.sport-1==-5\n"), "const a = udp.sport - 1 == -5\n");
  EXPECT_EQ(formatted("const a = u32( ipv4.dst )<<2&0xff\n"), "const a = u32(ipv4.dst) << 2 & 0xff\n");
  EXPECT_EQ(formatted("const a = payload[0 : 4]==x\"16 03\"\n"), "const a = payload[0:4] == x\"16 03\"\n");
  EXPECT_EQ(formatted("map m of ( ip , port )->u32={ (1.2.3.4,5)=>7 }\n"),
            "map m of (ip, port) -> u32 = { (1.2.3.4, 5) => 7 }\n");
}

TEST(Format, LiteralsStayWhole) {
  expectKept("const a = { ::/0, fe80::1-fe80::9, 10.0.0.1-10.0.0.9, 02:00:5e:00:53:01, 2001:db8::/32 }\n");
  expectKept("const a = ip.src/24/64 == 192.0.2.0\n");
  expectKept("const a = payload contains \"a # b \\\" { \" within 128\n");
}

TEST(Format, ClausesStandApart) {
  EXPECT_EQ(formatted("meter m { rate 200 pps burst 400 per ip.src/24/64; capacity 1M when full evict }"),
            "meter m { rate 200 pps burst 400  per ip.src/24/64  capacity 1M  when full evict }\n");
  EXPECT_EQ(formatted("set s of ip.prefix{capacity 4k timeout 1h}"),
            "set s of ip.prefix { capacity 4k  timeout 1h }\n");
  EXPECT_EQ(formatted("header h { f:u8{a:u1 b:u7} size 4 }"), "header h { f: u8 { a: u1  b: u7 }  size 4 }\n");
  EXPECT_EQ(formatted("header h {\na:u8\noption 2 b:u16\noption 4 c\nsize 4\n}"),
            "header h {\n    a: u8\n    option 2 b: u16\n    option 4 c\n    size 4\n}\n");
  EXPECT_EQ(formatted("header h { a:u8 option 2 b:u16 size 4 }"), "header h { a: u8  option 2 b: u16  size 4 }\n");
}

TEST(Format, NamesAndPacketsStandInColumns) {
  EXPECT_EQ(
      formatted("policy p {\na: drop when tcp\nlong_one: when udp {\npass\n}\ndefault drop\n}\n"),
      "policy p {\n    a:        drop when tcp\n    long_one: when udp {\n        pass\n    }\n    default drop\n}\n");
  EXPECT_EQ(formatted("test \"t\" {\nexpect drop by a for arp\nwait 1s\nexpect pass by default for arp\n}\n"),
            "test \"t\" {\n    expect drop by a       for arp\n    wait 1s\n    expect pass by default for arp\n}\n");
  EXPECT_EQ(formatted("const a = 1\nconst long = 2\n\nconst b = 3\n"),
            "const a    = 1\nconst long = 2\n\nconst b = 3\n");
}

TEST(Format, BlocksOfOneLineStayOnIt) {
  expectKept("policy p {\n    a: when tcp { count x; drop } else { pass }\n    default {}\n}\n");
  EXPECT_EQ(formatted("policy p {\na: when tcp { count x ;drop; }\ndefault pass }"),
            "policy p {\n    a: when tcp { count x; drop }\n    default pass\n}\n");
  EXPECT_EQ(formatted("policy p {\na: when tcp {\ncount x; drop\n}\ndefault pass\n}"),
            "policy p {\n    a: when tcp {\n        count x\n        drop\n    }\n    default pass\n}\n");
}

TEST(Format, LinesThatGoOnAreIndented) {
  EXPECT_EQ(formatted("policy p {\na: drop when tcp\nand (udp or\nicmp)\nover 5 pps\ndefault pass\n}\n"),
            "policy p {\n    a: drop when tcp\n        and (udp or\n            icmp)\n        over 5 pps\n    default "
            "pass\n}\n");
  EXPECT_EQ(formatted("const a = {\n1, 2,\n  3\n  }\n"), "const a = {\n    1, 2,\n    3\n}\n");
}

TEST(Format, CommentsStayWhereTheyAre) {
  expectKept("# top\n\n# of a\nconst a = {  # first\n    1,  # one\n    # between\n    22  # two\n}\n\n"
             "policy p {  # head\n    # of x\n    x: drop when tcp     # why\n    default { count y }  # rest\n    # "
             "end\n}\n# last\n");
}

TEST(Format, EmptyLines) {
  EXPECT_EQ(formatted("\n\nconst a = 1\n\n\n\npolicy p {\n\n\ndefault pass\n\n}\n\n\n"),
            "const a = 1\n\npolicy p {\n    default pass\n}\n");
  EXPECT_EQ(formatted(""), "");
  EXPECT_EQ(formatted("\xef\xbb\xbf"
                      "const a = 1\r\nconst b = 2"),
            "const a = 1\nconst b = 2\n");
}

TEST(Format, ErrorsOfSyntaxAreToldAndNothingElse) {
  diag::Emitter emitter;
  const SourceFile source("test.xf", "policy p {\n a: drop when tcp.dport = 1\n default pass\n}\n");
  EXPECT_FALSE(format(source, emitter));
  EXPECT_TRUE(emitter.hasErrors());
}

} // namespace
} // namespace xdpc::format
