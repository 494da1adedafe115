// Headers, and the standard library as it is.
#include "compiler/basic/stdlib.h"
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

std::string tree(const std::string& text) {
  const Parsed parsed(text);
  return parsed.tree() + parsed.errors();
}

TEST(Header, Fields) {
  EXPECT_EQ(tree("header tcp {\n  sport: port\n  flags: u8 { cwr: u1  ece: u1 }\n  size data_offset * 4\n}"),
            "header tcp\n  sport: port\n  flags: u8\n    cwr: u1\n    ece: u1\n  size (* data_offset 4)\n");
  EXPECT_EQ(tree("header gre { key: u32 when k  in: u8 when a and b  drop: u1 }"),
            "header gre\n  key: u32 when k\n  in: u8 when (and a b)\n  drop: u1\n");
  EXPECT_EQ(tree("header h { len = payload_length + 40  proto = last next_header  size: u8 size size * 4 length: u16 "
                 "length length + 4 }"),
            "header h\n  len = (+ payload_length 40)\n  proto = last(next_header)\n  size: u8\n  length: u16\n"
            "  size (* size 4)\n  length (+ length 4)\n");
}

TEST(Header, Payload) {
  EXPECT_EQ(tree("header udp { payload by dport { 53 => dns, 4789 => vxlan }\n payload by sport { 53 => dns } }"),
            "header udp\n  payload by dport {53=>dns, 4789=>vxlan}\n  payload by sport {53=>dns}\n");
  EXPECT_EQ(tree("header h { payload by proto when offset == 0 { 1 => icmp } payload by next }"),
            "header h\n  payload by proto when (== offset 0) {1=>icmp}\n  payload by next\n");
  EXPECT_EQ(tree("tunnel header vxlan { vni: u24 payload eth }"), "tunnel header vxlan\n  vni: u24\n  payload eth\n");
}

TEST(Header, Options) {
  EXPECT_EQ(tree("header tcp { a: u4 ahead  ahead: u8  option 2 mss: u16  option 4 sack  option 8 { t: u32  e: u32 } "
                 "option: u8 }"),
            "header tcp\n  a: u4 ahead\n  ahead: u8\n  option: u8\n  option 2\n    mss: u16\n  option 4\n    sack: \n"
            "  option 8\n    t: u32\n    e: u32\n");
}

TEST(Header, Kinds) {
  EXPECT_EQ(tree("header ip = ipv4 |\n  ipv6"), "header ip = ipv4 | ipv6\n");
  EXPECT_EQ(tree("extension header hopbyhop of ipv6 { next_header: u8 size (len + 1) * 8 }"),
            "extension header hopbyhop of ipv6\n  next_header: u8\n  size (* (group (+ len 1)) 8)\n");
  EXPECT_EQ(tree("extend udp { payload by dport { 2152 => gtpu } }"), "extend udp\n  payload by dport {2152=>gtpu}\n");
}

TEST(Header, Mistakes) {
  EXPECT_EQ(tree("header h { a u8 }"), "1:14 syntax: expected `:` or `=` after `a`\n");
  EXPECT_EQ(tree("header h { size 4 size 8 }"), "header h\n  size 8\n1:19 repeated-clause: `size` is given twice\n");
}

TEST(Header, StandardLibrary) {
  for (const StdlibFile& library : stdlibFiles()) {
    const Parsed parsed{std::string(library.text)};
    EXPECT_EQ(parsed.errors(), "") << library.name;
    EXPECT_FALSE(parsed.file.headers.empty()) << library.name;
  }
}

} // namespace
} // namespace xdpc::parse::testing
