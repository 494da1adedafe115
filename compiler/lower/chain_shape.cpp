// Compares how extension headers are declared.
#include "compiler/lower/chain_shape.h"

#include <algorithm>

namespace xdpc::lower {
namespace {

bool isSamePlace(const ir::Field& left, const ir::Field& right) {
  auto is_plain = [](const ir::Field& field) { return field.bits && !field.derived && !field.part && !field.ahead; };
  return is_plain(left) && is_plain(right) && left.bit_offset == right.bit_offset && left.bits == right.bits &&
         left.type == right.type;
}

class Shapes {
public:
  Shapes(const ir::Policy& policy, ir::HeaderId left, ir::HeaderId right)
      : left_(policy.headers[left]), right_(policy.headers[right]), left_id_(left), right_id_(right) {}

  bool areSame() const {
    const ir::PayloadBy &left = left_.payload.front(), &right = right_.payload.front();
    if (left_.min_size != right_.min_size || left_.length || right_.length || left.when || right.when || !left.by ||
        !right.by || left_.size.has_value() != right_.size.has_value())
      return false;
    return isSamePlace(left_.fields[*left.by], right_.fields[*right.by]) &&
           (!left_.size || isSame(*left_.size, *right_.size));
  }

private:
  bool isSame(const ir::Expr& left, const ir::Expr& right) const {
    if (left.kind != right.kind || left.type != right.type)
      return false;
    switch (left.kind) {
    case ir::ExprKind::Int:
      return left.number == right.number;
    case ir::ExprKind::Field:
      return left.header == left_id_ && right.header == right_id_ &&
             isSamePlace(left_.fields[left.field], right_.fields[right.field]);
    case ir::ExprKind::Number:
    case ir::ExprKind::Arith:
      return left.op == right.op && std::ranges::equal(left.args, right.args, [&](const auto& one, const auto& other) {
               return isSame(one, other);
             });
    default:
      return false;
    }
  }

  const ir::Header &left_, &right_;
  ir::HeaderId left_id_, right_id_;
};

} // namespace

bool areWalkedAlike(const plan::Program& program, ir::HeaderId left, ir::HeaderId right) {
  return program.headers[left].checked == program.headers[right].checked &&
         program.headers[left].end == program.headers[right].end && Shapes(*program.policy, left, right).areSame();
}

} // namespace xdpc::lower
