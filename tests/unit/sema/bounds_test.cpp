// compiler/ir/bounds.h: what a header's size cannot exceed.
#include "compiler/ir/bounds.h"

#include <gtest/gtest.h>

namespace xdpc::ir {
namespace {

class LargestValue : public testing::Test {
protected:
  LargestValue() {
    Header header;
    for (uint32_t bits : {4u, 8u, 16u, 64u})
      header.fields.push_back({.name = "f", .type = {.kind = TypeKind::Int}, .bits = bits});
    policy_.headers.push_back(header);
  }

  static Expr field(FieldId id) { return {.kind = ExprKind::Field, .field = id}; }
  static Expr number(uint64_t value) { return {.kind = ExprKind::Int, .number = value}; }
  uint64_t largest(Op op, Expr left, Expr right) const {
    Expr expr{.kind = ExprKind::Arith, .op = op};
    expr.args = {std::move(left), std::move(right)};
    return largestValue(policy_, expr);
  }

  static constexpr uint64_t kUnbounded = ~uint64_t{0};
  Policy policy_;
};

TEST_F(LargestValue, ComesFromTheWidthsOfFields) {
  EXPECT_EQ(largestValue(policy_, field(0)), 15u);
  EXPECT_EQ(largestValue(policy_, field(2)), 65535u);
  EXPECT_EQ(largestValue(policy_, field(3)), kUnbounded);
  EXPECT_EQ(largest(Op::Mul, field(0), number(4)), 60u); // IHL
  EXPECT_EQ(largest(Op::Shl, field(1), number(3)), 2040u);
  EXPECT_EQ(largest(Op::Shr, field(1), number(4)), 15u);
  EXPECT_EQ(largest(Op::BitAnd, field(2), number(0x1f)), 0x1fu);
  EXPECT_EQ(largest(Op::BitOr, field(0), number(0x20)), 0x3fu);
}

TEST_F(LargestValue, IsNoneWhereItOverflowsOrIsNegative) {
  EXPECT_EQ(largest(Op::Mul, field(3), number(2)), kUnbounded);
  EXPECT_EQ(largest(Op::Add, field(3), number(1)), kUnbounded);
  EXPECT_EQ(largest(Op::Shl, number(1), field(1)), kUnbounded);
  EXPECT_EQ(largest(Op::Sub, number(8), field(0)), kUnbounded);
  EXPECT_EQ(largestValue(policy_, number(-uint64_t{1})), kUnbounded);
}

} // namespace
} // namespace xdpc::ir
