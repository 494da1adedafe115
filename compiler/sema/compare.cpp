// Checks comparisons: types agree, constants fit, `!=` says what it means for an absent header. Tested by
// tests/unit/sema/expr_test.cpp.
#include "compiler/ir/print.h"
#include "compiler/sema/payload.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <string>
#include <vector>

namespace xdpc::sema {

namespace {

ir::Op compareOp(ast::Op op) {
  return static_cast<ir::Op>(static_cast<unsigned>(op));
}
static_assert(static_cast<unsigned>(ast::Op::Ge) == static_cast<unsigned>(ir::Op::Ge));

bool isEquality(ast::Op op) {
  return op == ast::Op::Eq || op == ast::Op::Ne;
}

bool mismatch(Env env, const ast::Expr& expr, const Value& left, const Value& right, std::string help = "") {
  const Span at{expr.span.file, withoutGroup(expr.args[0]).span.begin, withoutGroup(expr.args[1]).span.end};
  diag::Diagnostic& error = env.scope.emitter.report(
      diag::Id::type_mismatch, at,
      fmt::format("{} and {}: they do not compare", describe(expr.args[0], left), describe(expr.args[1], right)));
  error.help = std::move(help);
  return false;
}

// A field that compares with 0 and 1, other than a condition at large. An option, too; headers are refused before.
bool isBit(const Value& value) {
  return !value.constant && category(value.expr.type) == Category::boolean &&
         (value.expr.kind == ir::ExprKind::Field || value.expr.kind == ir::ExprKind::Packet ||
          value.expr.kind == ir::ExprKind::Present);
}

// `tcp.syn == 1` reads a condition as the bit that it is.
bool bitAsTruth(const Value& bit, Value& constant) {
  if (!isBit(bit) || !constant.constant || category(constant.expr.type) != Category::number || constant.low < 0 ||
      constant.low > 1)
    return false;
  constant = truth(constant.low == 1, constant.expr.span);
  return true;
}

bool agreeAddresses(Env env, const ast::Expr& expr, Value& left, Value& right) {
  const ir::TypeKind a = left.expr.type.kind, b = right.expr.type.kind;
  if (a == b)
    return true;
  Value& fixed = left.constant ? left : right;
  const Value& other = left.constant ? right : left;
  if (fixed.constant && other.expr.type.kind == ir::TypeKind::Ip) {
    fixed.expr.type = {ir::TypeKind::Ip};
    return true;
  }
  const bool families = a != ir::TypeKind::Ip && b != ir::TypeKind::Ip;
  return mismatch(env, expr, left, right, families ? "addresses of two families are never equal" : "");
}

bool agreeNumbers(Env env, const ast::Expr& expr, Value& left, Value& right) {
  if (left.constant && right.constant)
    return true;
  if (right.constant && !fitConstant(env.scope, right, left, quoted(withoutGroup(expr.args[0]).span)))
    return false;
  if (left.constant && !fitConstant(env.scope, left, right, quoted(withoutGroup(expr.args[1]).span)))
    return false;
  if (!left.constant && !right.constant && left.expr.type != right.expr.type) {
    const unsigned bits = std::max(left.expr.type.bits, right.expr.type.bits);
    left = widened(std::move(left), bits);
    right = widened(std::move(right), bits);
  }
  return true;
}

const ast::Expr* writtenBytes(const ast::Expr& expr) {
  for (const ast::Expr& arg : expr.args)
    if (withoutGroup(arg).kind == ast::ExprKind::Bytes)
      return &withoutGroup(arg);
  return nullptr;
}

std::string helpForBytes(const ast::Expr& expr, Category a, Category b) {
  const auto either = [&](Category one) { return a == one || b == one; };
  if (!either(Category::bytes))
    return "";
  const ast::Expr* written = writtenBytes(expr);
  const std::string_view text = written ? written->span.text() : "";
  if (text.size() > 2 && text.size() < 60 && text.front() == '"' &&
      text.find_first_not_of("0123456789abcdefABCDEF.:/", 1) == text.size() - 1)
    return fmt::format("it stands without quotes: `{}`", text.substr(1, text.size() - 2));
  return either(Category::number) ? "`u16(payload[2:4])` makes a number of bytes; `payload[2]` is one" : "";
}

bool agree(Env env, const ast::Expr& expr, Value& left, Value& right) {
  const Category a = category(left.expr.type), b = category(right.expr.type);
  if (bitAsTruth(left, right) || bitAsTruth(right, left))
    return true;
  if (isBit(left) && b == Category::number && right.constant)
    return fitConstant(env.scope, right, left, quoted(withoutGroup(expr.args[0]).span));
  if (a != b)
    return mismatch(env, expr, left, right,
                    a == Category::boolean ? "a condition stands by itself" : helpForBytes(expr, a, b));
  if (a == Category::bytes)
    return agreeBytes(env, expr, left, right);
  if (a == Category::address)
    return agreeAddresses(env, expr, left, right);
  return a != Category::number || agreeNumbers(env, expr, left, right);
}

// The field that is meant where a header is compared with something of the kind.
std::string likelyField(const ir::Header& header, Category wanted) {
  static constexpr std::pair<const char*, Category> kLikely[] = {
      {"dport", Category::number}, {"proto", Category::number}, {"label", Category::number},
      {"vni", Category::number},   {"teid", Category::number},  {"session", Category::number},
      {"code", Category::number},  {"id", Category::number},    {"type", Category::number},
      {"op", Category::number},    {"src", Category::address},  {"sender_ip", Category::address},
      {"src", Category::mac}};
  for (const auto& [name, kind] : kLikely)
    for (const ir::Field& field : header.fields)
      if (kind == wanted && field.name == name && category(field.type) == wanted)
        return field.name == "code" ? "type" : field.name; // of ICMP
  return "";
}

// `vlan == 1`: a header is there or not. So is an option without a value, but it is asked for like a flag: `== 1`.
bool refuseHeader(Env env, const ast::Expr& expr, const Value& left, const Value& right) {
  const bool first = left.expr.kind == ir::ExprKind::Present;
  if (!first && right.expr.kind != ir::ExprKind::Present)
    return false;
  const ir::Header& header = env.scope.policy.headers[(first ? left : right).expr.header];
  if (header.kind == ir::HeaderKind::option)
    return false;
  const std::string_view text = withoutGroup(expr.args[first ? 0 : 1]).span.text().substr(0, 60);
  diag::Diagnostic& error = env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                                                     fmt::format("`{}` is there or not, and does not compare", text));
  const ir::Expr& other = (first ? right : left).expr;
  if (other.kind == ir::ExprKind::Field && !other.type.port) { // `ip.proto == tcp`
    error.help = fmt::format("ask for it: `{}`", text);
    return true;
  }
  const std::string field = likelyField(header, category((first ? right : left).expr.type));
  error.help = field.empty() ? fmt::format("ask for it: `{}`, or `not {}`", text, text)
                             : fmt::format("its fields compare: `{}.{}`", text, field);
  return true;
}

bool checkOrder(Env env, const ast::Expr& expr, const Value& left) {
  if (isEquality(expr.op) || category(left.expr.type) == Category::number)
    return true;
  diag::Diagnostic& error = env.scope.emitter.report(
      diag::Id::no_order, expr.op_end ? expr.opSpan() : expr.span,
      category(left.expr.type) == Category::bytes
          ? "bytes have no order: they are equal or not"
          : fmt::format("{} has no order: it is equal or not", categoryName(category(left.expr.type))));
  if (category(left.expr.type) == Category::bytes)
    error.help = "`u16(payload[2:4])` makes a number of bytes, which has one";
  if (category(left.expr.type) == Category::address)
    error.help = "a range is asked for with `in`: `ip.src in 10.0.0.1-10.0.0.9`";
  return false;
}

bool foldNumbers(ast::Op op, Wide a, Wide b) {
  switch (op) {
  case ast::Op::Eq:
    return a == b;
  case ast::Op::Ne:
    return a != b;
  case ast::Op::Lt:
    return a < b;
  case ast::Op::Le:
    return a <= b;
  case ast::Op::Gt:
    return a > b;
  default:
    return a >= b;
  }
}

std::optional<Value> fold(const ast::Expr& expr, const Value& left, const Value& right) {
  if (!left.constant || !right.constant)
    return std::nullopt;
  if (category(left.expr.type) == Category::number)
    return truth(foldNumbers(expr.op, left.low, right.low), expr.span);
  const bool equal = left.expr.number == right.expr.number && left.expr.address == right.expr.address &&
                     left.expr.bytes == right.expr.bytes;
  return truth(equal == (expr.op == ast::Op::Eq), expr.span);
}

ir::Expr logic(ir::ExprKind kind, std::vector<ir::Expr> args, Span span) {
  ir::Expr expr;
  expr.kind = kind;
  expr.type = {ir::TypeKind::Bool};
  expr.span = span;
  expr.args = std::move(args);
  return expr;
}

ir::Expr negated(ir::Expr expr) {
  const Span span = expr.span;
  std::vector<ir::Expr> args;
  args.push_back(std::move(expr));
  return logic(ir::ExprKind::Not, std::move(args), span);
}

// Truths compare as logic: `tcp.syn == 0` is `not tcp.syn` where tcp is present.
ir::Expr compareTruths(bool equal, const Value& left, const Value& right, Span span) {
  if (left.constant || right.constant) {
    const Value& fixed = left.constant ? left : right;
    const ir::Expr& other = left.constant ? right.expr : left.expr;
    return (fixed.expr.number != 0) == equal ? other : negated(other);
  }
  using enum ir::ExprKind;
  const ir::Expr other = equal ? right.expr : negated(right.expr), opposite = equal ? negated(right.expr) : right.expr;
  return logic(Or, {logic(And, {left.expr, other}, span), logic(And, {negated(left.expr), opposite}, span)}, span);
}

// Numbers of 64 bits that are none below 0 have an order of their own.
bool areUnsigned(const ast::Expr& expr, const Value& left, const Value& right) {
  constexpr Wide kMost = std::numeric_limits<int64_t>::max();
  return !isEquality(expr.op) && category(left.expr.type) == Category::number && left.low >= 0 && right.low >= 0 &&
         (left.high > kMost || right.high > kMost);
}

// Comparisons are signed: with the highest bit turned over, the order is that of unsigned numbers.
Value turnedOver(Value value) {
  constexpr uint64_t kHighest = uint64_t{1} << 63;
  value = widened(std::move(value), 64);
  if (value.constant) {
    value.expr.number ^= kHighest;
    return value;
  }
  return withNumber(std::move(value), ir::Op::BitXor, kHighest);
}

ir::Expr compareExpr(const ast::Expr& expr, Value& left, Value& right) {
  if (category(left.expr.type) == Category::boolean)
    return compareTruths(expr.op == ast::Op::Eq, left, right, expr.span);
  if (areUnsigned(expr, left, right)) {
    left = turnedOver(std::move(left));
    right = turnedOver(std::move(right));
  }
  ir::Expr compare;
  compare.kind = ir::ExprKind::Compare;
  compare.op = compareOp(expr.op);
  compare.type = {ir::TypeKind::Bool};
  compare.span = expr.span;
  compare.args.reserve(2);
  compare.args.push_back(std::move(left.expr));
  compare.args.push_back(std::move(right.expr));
  return compare;
}

// `payload_len >= 2`: what asks for these bytes next to it is settled.
std::optional<ir::Expr> lengthAsked(ast::Op op, const Value& left, const Value& right) {
  const bool more = op == ast::Op::Ge || op == ast::Op::Gt || op == ast::Op::Eq;
  if (!more || left.expr.kind != ir::ExprKind::PayloadLength || !right.constant)
    return std::nullopt;
  ir::Expr bytes;
  bytes.kind = ir::ExprKind::HasBytes;
  bytes.header = left.expr.header;
  bytes.number = static_cast<uint64_t>(right.low) + (op == ast::Op::Gt);
  return bytes;
}

bool isSet(const Scope& scope, const ast::Expr& expr) {
  using enum ast::ExprKind;
  if (expr.kind == Set || expr.kind == Range || expr.kind == Prefix)
    return true;
  const Symbol* symbol = expr.kind == Name ? lookUp(scope, expr.text) : nullptr;
  return symbol && (symbol->kind == SymbolKind::Set ||
                    (symbol->kind == SymbolKind::Constant && scope.constants[symbol->index].is_set));
}

// `tcp.dport == web`: a value is in a set or not.
bool refuseSet(Scope& scope, const ast::Expr& expr) {
  const ast::Expr& right = withoutGroup(expr.args[1]);
  if (!isEquality(expr.op) || !isSet(scope, right))
    return false;
  const char* word = expr.op == ast::Op::Eq ? "in" : "not in";
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::not_a_value, right.span, fmt::format("{} is a set: a value is in it or not", quoted(right.span)));
  error.fixits.push_back({expr.opSpan(), word});
  error.help =
      fmt::format("write `{} {} {}`", expr.args[0].span.text().substr(0, 60), word, right.span.text().substr(0, 60));
  return true;
}

// `(ip.src, tcp.dport) == (192.0.2.1, 80)`: tuples are in sets, and compare part by part.
bool refuseTuples(Scope& scope, const ast::Expr& expr) {
  const ast::Expr &left = withoutGroup(expr.args[0]), &right = withoutGroup(expr.args[1]);
  const bool both = left.kind == ast::ExprKind::Tuple && right.kind == ast::ExprKind::Tuple;
  if (!both && left.kind != ast::ExprKind::Tuple && right.kind != ast::ExprKind::Tuple)
    return false;
  const std::string_view op = expr.op_end ? expr.opSpan().text() : "==";
  diag::Diagnostic& error = scope.emitter.report(diag::Id::not_a_value, expr.op_end ? expr.opSpan() : expr.span,
                                                 fmt::format("`{}` does not compare tuples", op));
  error.label = "a tuple is in a set or not";
  if (!both || left.args.size() != right.args.size() || expr.op != ast::Op::Eq)
    return true;
  std::vector<std::string> parts;
  for (size_t i = 0; i < left.args.size(); ++i)
    parts.push_back(fmt::format("{} == {}", left.args[i].span.text(), right.args[i].span.text()));
  error.help = fmt::format("write `{}`", fmt::join(parts, " and "));
  return true;
}

// `tcp.dport == 80 - 90`: with blanks it is a subtraction.
bool refuseSubtraction(Scope& scope, const ast::Expr& expr) {
  const ast::Expr& right = withoutGroup(expr.args[1]);
  const bool numbers = right.kind == ast::ExprKind::Binary && right.op == ast::Op::Sub &&
                       right.args[0].kind == ast::ExprKind::Number && right.args[1].kind == ast::ExprKind::Number;
  // What is computed can be below 0 itself.
  const bool field = withoutGroup(expr.args[0]).kind == ast::ExprKind::Member;
  if (!isEquality(expr.op) || !numbers || !field || right.args[0].number >= right.args[1].number)
    return false;
  scope.emitter
      .report(diag::Id::out_of_range, right.span, fmt::format("{} is a difference, and below 0", quoted(right.span)))
      .help =
      fmt::format("a range has no blanks: `{} {} {}-{}`", expr.args[0].span.text().substr(0, 60),
                  expr.op == ast::Op::Eq ? "in" : "not in", right.args[0].span.text(), right.args[1].span.text());
  return true;
}

} // namespace

bool fitConstant(Scope& scope, Value& constant, const Value& other, std::string_view other_text) {
  const Span at = constant.expr.span;
  // What is computed has 64 signed bits; a field goes as far as its type.
  const bool computed = other.expr.kind == ir::ExprKind::Arith;
  const Wide low = computed ? std::numeric_limits<int64_t>::min() : 0;
  const Wide high = computed ? std::numeric_limits<int64_t>::max() : typeMax(other.expr.type).value_or(1);
  if (constant.low < low || constant.low > high) {
    const bool bit = other.expr.type.kind == ir::TypeKind::Bool;
    diag::Diagnostic& error =
        scope.emitter.report(diag::Id::out_of_range, at, fmt::format("{} does not fit {}", quoted(at), other_text));
    if (!computed)
      error.label = bit ? "it has one bit" : fmt::format("it goes from 0 to {}", static_cast<uint64_t>(high));
    return false;
  }
  constant.expr.type = other.expr.type;
  return true;
}

Value checkCompare(Env env, const ast::Expr& expr) {
  if (refuseTuples(env.scope, expr))
    return failed();
  Value left = checkExpr(env, expr.args[0]);
  if (refuseSet(env.scope, expr) || refuseSubtraction(env.scope, expr))
    return failed();
  Value right = checkExpr(env, expr.args[1]);
  if (!left.ok || !right.ok)
    return failed();
  if (refuseHeader(env, expr, left, right))
    return failed();
  // A condition made of several terms compares as a truth only where its fields are present anyway.
  const bool bytes = category(left.expr.type) == Category::bytes && category(right.expr.type) == Category::bytes;
  if ((bytes && !checkOrder(env, expr, left)) || !agree(env, expr, left, right) || !checkOrder(env, expr, left))
    return failed();
  if (auto folded = fold(expr, left, right))
    return std::move(*folded);
  if (!withinMask(env.scope, left.expr, right.expr) || !withinMask(env.scope, right.expr, left.expr))
    return failed();
  Value result;
  addParts(result, left);
  addParts(result, right);
  result.nodes *= category(left.expr.type) == Category::boolean ? 2 : 1;
  result.depth += 3; // of the logic that comparing truths becomes
  env.scope.nodes += result.nodes;
  auto length = lengthAsked(expr.op, left, right);
  ir::Expr compare = compareExpr(expr, left, right);
  result = atom(env, std::move(result), std::move(compare));
  if (expr.op == ast::Op::Ne)
    setMaybeAbsent(result, expr.span);
  else if (length)
    result.certain_guards.push_back(std::move(*length));
  return result;
}

} // namespace xdpc::sema
