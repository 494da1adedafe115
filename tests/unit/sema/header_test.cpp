// Headers as the standard library declares them: places of fields, unions, the graph.
#include "tests/unit/sema/support.h"

#include <algorithm>

namespace xdpc {
namespace {

class Headers : public ::testing::Test {
protected:
  const ir::Header& header(std::string_view name) {
    const auto it = std::ranges::find(policy().headers, name, &ir::Header::name);
    EXPECT_NE(it, policy().headers.end()) << name;
    return *it;
  }
  const ir::Field& field(std::string_view name, std::string_view of) {
    const auto& fields = header(name).fields;
    const auto it = std::ranges::find(fields, of, &ir::Field::name);
    EXPECT_NE(it, fields.end()) << name << "." << of;
    return *it;
  }
  const ir::Policy& policy() { return *checked_.policy; }

private:
  Checked checked_ = accept("policy p { default pass }\n");
};

TEST_F(Headers, fieldsArePackedInOrder) {
  EXPECT_EQ(policy().headers[0].name, "eth");
  EXPECT_EQ(header("eth").min_size, 14u);
  EXPECT_EQ(header("vlan").min_size, 4u);
  EXPECT_EQ(header("arp").min_size, 28u);
  EXPECT_EQ(header("ipv4").min_size, 20u);
  EXPECT_EQ(header("ipv6").min_size, 40u);
  EXPECT_EQ(header("tcp").min_size, 20u);
  EXPECT_EQ(header("udp").min_size, 8u);
  EXPECT_EQ(header("dns").min_size, 12u);
  EXPECT_EQ(header("hopbyhop").min_size, 8u);
  EXPECT_EQ(header("fragment").min_size, 8u);
  EXPECT_EQ(field("ipv4", "fragment_offset").bit_offset, 51u);
  EXPECT_EQ(field("ipv4", "dst").bit_offset, 128u);
  EXPECT_EQ(field("tcp", "dport").bit_offset, 16u);
  EXPECT_TRUE(field("tcp", "dport").type.port);
}

TEST_F(Headers, partsLieInTheirField) {
  const ir::Field& syn = field("tcp", "syn");
  EXPECT_EQ(syn.bit_offset, 13 * 8 + 6u);
  EXPECT_EQ(syn.bits, 1u);
  EXPECT_EQ(syn.type.kind, ir::TypeKind::Bool);
  ASSERT_TRUE(syn.whole);
  EXPECT_EQ(header("tcp").fields[*syn.whole].name, "flags");
}

TEST_F(Headers, unionsHaveTheFieldsThatAllHave) {
  EXPECT_EQ(field("ip", "src").type.kind, ir::TypeKind::Ip);
  EXPECT_EQ(field("ip", "ttl").type, (ir::Type{ir::TypeKind::Int, 8}));
  EXPECT_EQ(field("ip", "len").type.bits, 17u); // 65,535 + 40
  EXPECT_EQ(field("ip", "fragment").type.kind, ir::TypeKind::Bool);
  EXPECT_EQ(field("ip", "proto").alternatives.size(), 2u);
  EXPECT_TRUE(field("l4", "dport").type.port);
  EXPECT_EQ(std::ranges::count(header("ip").fields, "ihl", &ir::Field::name), 0);
  EXPECT_EQ(header("l4").alternatives.size(), 3u);
}

TEST_F(Headers, derivedFieldsSayWhatTheyNeed) {
  EXPECT_EQ(ir::toText(policy(), *field("ipv6", "fragment").derived),
            "((present(fragment) and (fragment.offset != 0)) or (present(fragment) and fragment.more_fragments))");
  EXPECT_EQ(ir::toText(policy(), *field("ipv6", "proto").derived), "last_protocol(ipv6)");
  EXPECT_EQ(ir::toText(policy(), *field("ipv4", "fragment").derived),
            "(ipv4.more_fragments or (ipv4.fragment_offset != 0))");
}

TEST_F(Headers, extensionsUseTheTableOfTheirHeader) {
  const ir::Header& hopbyhop = header("hopbyhop");
  EXPECT_EQ(hopbyhop.kind, ir::HeaderKind::extension);
  ASSERT_TRUE(hopbyhop.extension_of);
  EXPECT_EQ(policy().headers[*hopbyhop.extension_of].name, "ipv6");
  ASSERT_EQ(hopbyhop.payload.size(), 1u);
  EXPECT_TRUE(hopbyhop.payload[0].by);
  EXPECT_TRUE(hopbyhop.payload[0].entries.empty());
  EXPECT_TRUE(header("fragment").payload[0].when);
  for (uint64_t number : {0, 43, 44, 60})
    EXPECT_EQ(std::ranges::count(header("ipv6").payload[0].entries, number, &ir::PayloadEntry::value), 1);
}

TEST(Header, derivedFieldsAreWrittenOut) {
  const Checked checked = accept("header h { a: u8; b = a + 1; c = b * 2 }\n"
                                 "extend udp { payload by dport { 5 => h } }\n" +
                                 withCondition("h.c == 4"));
  EXPECT_NE(ir::toText(*checked.policy).find("c: u10 = ((u64(h.a) + 1) * 2)"), std::string::npos)
      << ir::toText(*checked.policy);
}

TEST(Header, expansionIsBounded) {
  std::string text = "header h { a: u8\n";
  std::string before = "a";
  for (int i = 0; i < 40; ++i) {
    const std::string name = "x" + std::to_string(i);
    text += name + " = " + before + " + " + before + "\n";
    before = name;
  }
  EXPECT_EQ(check(text + "}\npolicy p { default pass }\n").count("too-large"), 1u);
}

} // namespace
} // namespace xdpc
