// What indices, slices, `starts with` and `contains` become.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

TEST(Payload, IndexAndSliceAskForTheirBytes) {
  EXPECT_EQ(conditionText("payload[2] == 1"), "(present(l4) and has_bytes(l4.payload, 3) and (l4.payload[2] == 1))");
  EXPECT_EQ(conditionText("udp.payload[0:4] == \"GET \""),
            "(present(udp) and has_bytes(udp.payload, 4) and (udp.payload[0:4] == 1195725856))");
  EXPECT_EQ(conditionText("payload[0:9] == \"123456789\""),
            "(present(l4) and has_bytes(l4.payload, 9) and (l4.payload[0:9] == \"123456789\"))");
  EXPECT_EQ(conditionText("payload[0:2] == payload[2:4]"),
            "(present(l4) and has_bytes(l4.payload, 4) and (l4.payload[0:2] == l4.payload[2:4]))");
}

TEST(Payload, NumbersOfBytes) {
  EXPECT_EQ(conditionText("u16(payload[2:4]) > 5"),
            "(present(l4) and has_bytes(l4.payload, 4) and (l4.payload[2:4] > 5))");
  EXPECT_EQ(conditionText("u32(payload[0:3]) == 5"),
            "(present(l4) and has_bytes(l4.payload, 3) and (u32(l4.payload[0:3]) == 5))");
  EXPECT_EQ(conditionText("payload[0] & 7 == 3"),
            "(present(l4) and has_bytes(l4.payload, 1) and ((u64(l4.payload[0]) & 7) == 3))");
}

TEST(Payload, InASet) {
  EXPECT_EQ(conditionText("payload[0:2] in { x\"16 03\", x\"16 01\" }"),
            "(present(l4) and has_bytes(l4.payload, 2) and (l4.payload[0:2] in const#0))");
  EXPECT_EQ(conditionText("not payload[0:9] in { \"123456789\", \"abcdefghi\" }"),
            "not (present(l4) and has_bytes(l4.payload, 9) and ((l4.payload[0:9] == \"123456789\") or "
            "(l4.payload[0:9] == \"abcdefghi\")))");
}

TEST(Payload, Patterns) {
  EXPECT_EQ(conditionText("payload starts with x\"00 ff\""),
            "(present(l4) and has_bytes(l4.payload, 2) and (l4.payload[0:2] == 255))");
  EXPECT_EQ(conditionText("payload contains any { \"b\", \"a\", x\"22\", \"b\" } within 8"),
            "(present(l4) and (l4.payload contains { x\"22\", \"a\", \"b\" } within 8))");
  const Checked checked = accept(withCondition("payload contains \"a\" within 8 or udp.payload contains any { \"a\" } "
                                               "within 8 or payload contains \"a\" within 9"));
  EXPECT_EQ(checked.policy->patterns.size(), 2u);
}

TEST(Payload, UnequalWarnsUnlessTheBytesAreAskedFor) {
  EXPECT_EQ(absent("payload[0:2] != \"ab\""), 1u);
  EXPECT_EQ(absent("l4 and payload[0:2] != \"ab\""), 1u);
  EXPECT_EQ(absent("l4.payload_len >= 2 and payload[0:2] != \"ab\""), 0u);
  EXPECT_EQ(absent("l4.payload_len > 0 and payload[0:2] not in { \"ab\" }"), 1u);
  EXPECT_EQ(absent("payload[4] == 1 and payload[0:2] != \"ab\""), 0u);
  EXPECT_EQ(absent("udp.payload[4] == 1 and payload[0:2] != \"ab\""), 1u);
}

} // namespace
} // namespace xdpc
