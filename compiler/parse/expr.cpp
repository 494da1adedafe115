// See expr.h. An expression's match is a flat list: prefixes, an operand, its postfixes, an operator, and so on.
// Precedence climbing makes the tree. A long chain of `and` or `or` becomes a balanced tree, so that a generated policy
// with thousands of them stays within the bound that protects every later walk from overflowing the stack.
#include "compiler/parse/expr.h"

#include "compiler/parse/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace xdpc::parse {
namespace {

using ast::Expr;
using ast::ExprKind;
using ast::Op;
using diag::Id;

// From loose to tight. `not` and unary minus are prefixes of these levels.
enum Level : int { kOr = 1, kAnd, kNot, kComparison, kBitOr, kBitXor, kBitAnd, kShift, kSum, kProduct, kMinus };

struct Operator {
  Op op;
  Level level;
};

// By the first letter, and by the second where it takes one: the grammar lets nothing else through.
Operator operatorOf(std::string_view text) {
  const bool longer = text.size() > 1;
  switch (text[0]) {
  case 'a':
    return {Op::And, kAnd};
  case 'o':
    return {Op::Or, kOr};
  case 'i':
    return {Op::In, kComparison};
  case 'n':
    return {Op::NotIn, kComparison}; // `not in`, with blanks between
  case '=':
    return {Op::Eq, kComparison};
  case '!':
    return {Op::Ne, kComparison};
  case '<':
    return !longer          ? Operator{Op::Lt, kComparison}
           : text[1] == '=' ? Operator{Op::Le, kComparison}
                            : Operator{Op::Shl, kShift};
  case '>':
    return !longer          ? Operator{Op::Gt, kComparison}
           : text[1] == '=' ? Operator{Op::Ge, kComparison}
                            : Operator{Op::Shr, kShift};
  case '|':
    return {Op::BitOr, kBitOr};
  case '^':
    return {Op::BitXor, kBitXor};
  case '&':
    return {Op::BitAnd, kBitAnd};
  case '+':
    return {Op::Add, kSum};
  case '-':
    return {Op::Sub, kSum};
  default:
    return {Op::Mul, kProduct};
  }
}

constexpr size_t kLeftChain = 32; // operands of `and` or `or` that nest to the left, as written

// An expression and how deep it is.
struct Built {
  Expr expr;
  unsigned height = 1;
};

class ExprReader {
public:
  ExprReader(Input& input, Children nodes) : input_(input), next_(nodes.begin()), end_(nodes.end()) {}

  Built read(int min_level);
  Built operand(); // with prefixes and postfixes, no operators

private:
  bool atEnd() const { return next_ == end_; }
  const Node& take() {
    const Node& node = *next_;
    ++next_;
    return node;
  }
  int levelAhead() const;
  Built negated(int min_level);
  Built negative();
  void misplacedNot(const Node& negation);
  Built primary();
  Built reference(const Node& node);
  Built list(ExprKind kind, const Node& node);
  Built postfix(Built inner, const Node& node);
  void tupleKey(Built& index);
  Built mask(Built inner, const Node& node);
  Built operation(Built left, int& comparisons);
  Built contains(Built left, const Node& node);
  Built balanced(std::vector<Built>& operands, const std::vector<Span>& signs, Op op, size_t begin, size_t end);
  Built binary(Op op, Span sign, Built left, Built right);
  Built unary(ExprKind kind, uint32_t begin, Built inner);
  Built bounded(Built built);

  Input& input_;
  Children::Iterator next_, end_;
};

Built readNested(Input& input, const Node& expression) {
  return ExprReader(input, Children(expression)).read(kOr);
}

// A tree that is too deep is cut to a leaf.
Built ExprReader::bounded(Built built) {
  const unsigned bound = 2 * input_.limits.depth; // a bracket and what is in it are two levels
  if (built.height <= bound)
    return built;
  if (!input_.too_deep)
    input_.report(Id::too_deep, built.expr.span, fmt::format("an expression nests deeper than the bound of {}", bound));
  input_.too_deep = true;
  Built leaf;
  leaf.expr.span = built.expr.span;
  return leaf;
}

Built ExprReader::unary(ExprKind kind, uint32_t begin, Built inner) {
  Built built;
  built.expr.kind = kind;
  built.expr.span = input_.span(begin, inner.expr.span.end);
  built.expr.args.push_back(std::move(inner.expr));
  built.height = inner.height + 1;
  return bounded(std::move(built));
}

Built ExprReader::binary(Op op, Span sign, Built left, Built right) {
  Built built;
  built.expr.kind = ExprKind::Binary;
  built.expr.op = op;
  built.expr.op_begin = sign.begin;
  built.expr.op_end = sign.end;
  built.expr.span = join(left.expr.span, right.expr.span);
  built.height = std::max(left.height, right.height) + 1;
  built.expr.args.reserve(2);
  built.expr.args.push_back(std::move(left.expr));
  built.expr.args.push_back(std::move(right.expr));
  return bounded(std::move(built));
}

int ExprReader::levelAhead() const {
  if (atEnd())
    return 0;
  switch (next_->kind) {
  case Kind::binary_operator:
    return operatorOf(input_.text(*next_)).level;
  case Kind::contains:
  case Kind::starts_with:
    return kComparison;
  default:
    return 0;
  }
}

Built ExprReader::read(int min_level) {
  Built left = negated(min_level);
  int comparisons = 0;
  for (int level = levelAhead(); level >= min_level && level > 0; level = levelAhead())
    left = operation(std::move(left), comparisons);
  return left;
}

// `not` takes a whole comparison. Its run is gone through in a loop, since it can be endless.
Built ExprReader::negated(int min_level) {
  std::vector<uint32_t> begins;
  while (!atEnd() && next_->kind == Kind::negation) {
    if (begins.empty() && min_level > kNot)
      misplacedNot(*next_);
    begins.push_back(take().begin);
  }
  if (begins.empty())
    return negative();
  Built inner = read(kComparison);
  for (; !begins.empty(); begins.pop_back())
    inner = unary(ExprKind::Not, begins.back(), std::move(inner));
  return inner;
}

// A minus takes one operand.
Built ExprReader::negative() {
  std::vector<uint32_t> begins;
  bool misplaced = false;
  while (!atEnd() && (next_->kind == Kind::minus_sign || next_->kind == Kind::negation)) {
    const Node& prefix = take();
    if (prefix.kind == Kind::minus_sign)
      begins.push_back(prefix.begin);
    else if (!std::exchange(misplaced, true))
      misplacedNot(prefix);
  }
  Built inner = operand();
  for (; !begins.empty(); begins.pop_back())
    inner = unary(ExprKind::Negate, begins.back(), std::move(inner));
  return inner;
}

void ExprReader::misplacedNot(const Node& negation) {
  input_.report(Id::misplaced_not, input_.span(negation), "`not` stands inside of a comparison").help =
      "put `not` before the whole comparison, or what it negates in parentheses";
}

Built ExprReader::operation(Built left, int& comparisons) {
  const Node& node = take();
  if (node.kind == Kind::contains || node.kind == Kind::starts_with ||
      operatorOf(input_.text(node)).level == kComparison) {
    if (comparisons++ == 1)
      input_.report(Id::chained_comparison, input_.span(node), "comparisons do not chain").help =
          "write `a < b and b < c`";
  }
  if (node.kind != Kind::binary_operator)
    return contains(std::move(left), node);
  const Operator op = operatorOf(input_.text(node));
  const Span sign = input_.span(node);
  if (op.op != Op::And && op.op != Op::Or)
    return binary(op.op, sign, std::move(left), read(op.level + 1));

  std::vector<Built> operands;
  std::vector<Span> signs{sign};
  operands.push_back(std::move(left));
  operands.push_back(read(op.level + 1));
  while (levelAhead() == op.level) {
    signs.push_back(input_.span(take()));
    operands.push_back(read(op.level + 1));
  }
  if (operands.size() > kLeftChain)
    return balanced(operands, signs, op.op, 0, operands.size());
  Built result = std::move(operands[0]);
  for (size_t i = 1; i < operands.size(); ++i)
    result = binary(op.op, signs[i - 1], std::move(result), std::move(operands[i]));
  return result;
}

Built ExprReader::balanced(std::vector<Built>& operands, const std::vector<Span>& signs, Op op, size_t begin,
                           size_t end) {
  if (end - begin == 1)
    return std::move(operands[begin]);
  const size_t middle = begin + (end - begin) / 2;
  Built left = balanced(operands, signs, op, begin, middle);
  return binary(op, signs[middle - 1], std::move(left), balanced(operands, signs, op, middle, end));
}

// payload contains any { "a", "b" } within 128; payload starts with "GET "
Built ExprReader::contains(Built left, const Node& node) {
  ExprReader parts(input_, Children(node));
  Built built;
  built.expr.kind = node.kind == Kind::contains ? ExprKind::Contains : ExprKind::StartsWith;
  built.expr.op_begin = node.begin;
  built.expr.op_end = node.begin + (node.kind == Kind::contains ? 8 : 6);
  built.expr.span = input_.span(left.expr.span.begin, node.end);
  if (parts.next_->kind == Kind::any_of) {
    built.expr.flag = true;
    parts.take();
  }
  Built right = parts.operand();
  built.height = std::max(left.height, right.height) + 1;
  built.expr.args.push_back(std::move(left.expr));
  built.expr.args.push_back(std::move(right.expr));
  if (!parts.atEnd()) {
    const Node& number = *Children(parts.take()).begin();
    Expr limit;
    limit.span = input_.span(number);
    limit.number = readNumber(input_, number);
    built.expr.args.push_back(std::move(limit));
  }
  return bounded(std::move(built));
}

Built ExprReader::operand() {
  Built built = primary();
  while (!atEnd()) {
    const Kind kind = next_->kind;
    if (kind != Kind::field_name && kind != Kind::index && kind != Kind::mask)
      break;
    built = postfix(std::move(built), take());
  }
  return built;
}

Built ExprReader::primary() {
  const Node& node = take();
  switch (node.kind) {
  case Kind::group:
    return list(ExprKind::Tuple, node);
  case Kind::set_literal:
    return list(ExprKind::Set, node);
  case Kind::bytes_literal:
    return {readBytes(input_, node)};
  case Kind::literal:
    return {readLiteral(input_, node)};
  case Kind::load: {
    Built built{readBytes(input_, *Children(node).begin())};
    built.expr.kind = ExprKind::Load;
    built.expr.span = input_.span(node);
    return built;
  }
  case Kind::last_of: {
    Built built;
    built.expr.kind = ExprKind::Call;
    built.expr.span = input_.span(node);
    built.expr.text = "last";
    const Node& name = *Children(node).begin();
    Expr argument;
    argument.kind = ExprKind::Name;
    argument.span = input_.span(name);
    argument.text = input_.text(name);
    built.expr.args.push_back(std::move(argument));
    built.height = 2;
    return built;
  }
  default:
    return reference(node);
  }
}

// A name, or a call of it.
Built ExprReader::reference(const Node& node) {
  const Node& name = *Children(node).begin();
  Built built;
  if (const Node* arguments = find(node, Kind::arguments))
    built = list(ExprKind::Call, *arguments);
  else
    built.expr.kind = ExprKind::Name;
  built.expr.span = input_.span(node);
  built.expr.text = input_.text(name);
  return built;
}

// The expressions of a group, a set or a call; in a set one with a value behind it is a pair.
Built ExprReader::list(ExprKind kind, const Node& node) {
  Built built;
  built.expr.kind = kind;
  built.expr.span = input_.span(node);
  unsigned deepest = 0;
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::pair_value) {
      Built value = readNested(input_, *Children(child).begin());
      Expr pair;
      pair.kind = ExprKind::Pair;
      pair.span = join(built.expr.args.back().span, value.expr.span);
      pair.args.push_back(std::move(built.expr.args.back()));
      pair.args.push_back(std::move(value.expr));
      built.expr.args.back() = std::move(pair);
      deepest = std::max(deepest, value.height + 1);
      continue;
    }
    Built item = readNested(input_, child);
    deepest = std::max(deepest, item.height);
    built.expr.args.push_back(std::move(item.expr));
  }
  built.height = deepest + 1;
  return bounded(std::move(built));
}

Built ExprReader::mask(Built inner, const Node& node) {
  const uint32_t begin = inner.expr.span.begin;
  Built built = unary(ExprKind::Mask, begin, std::move(inner));
  built.expr.span.end = node.end;
  for (const Node& number : Children(node)) {
    const uint64_t length = readNumber(input_, number);
    if (length > 128)
      input_.report(Id::bad_number, input_.span(number), fmt::format("`/{}` is no mask's length", length)).label =
          "an address has at most 128 bits";
    built.expr.lengths.push_back(static_cast<uint8_t>(std::min<uint64_t>(length, 128)));
  }
  return built;
}

Built ExprReader::postfix(Built inner, const Node& node) {
  if (node.kind == Kind::mask)
    return mask(std::move(inner), node);
  const uint32_t begin = inner.expr.span.begin;
  if (node.kind == Kind::field_name) {
    Built built = unary(ExprKind::Member, begin, std::move(inner));
    built.expr.span.end = node.end;
    built.expr.text = input_.text(node);
    return built;
  }
  const Node* slice = find(node, Kind::slice_end);
  Built built = unary(slice ? ExprKind::Slice : ExprKind::Index, begin, std::move(inner));
  built.expr.span.end = node.end;
  for (const Node& child : Children(node)) {
    Built part = readNested(input_, child.kind == Kind::slice_end ? *Children(child).begin() : child);
    built.height = std::max(built.height, part.height + 1);
    built.expr.args.push_back(std::move(part.expr));
  }
  if (!slice && built.expr.args.size() > 2)
    tupleKey(built);
  return bounded(std::move(built));
}

// per_flow[192.0.2.1, 443]: the key is a tuple.
void ExprReader::tupleKey(Built& index) {
  std::vector<Expr>& args = index.expr.args;
  Expr key;
  key.kind = ExprKind::Tuple;
  key.span = join(args[1].span, args.back().span);
  key.args.assign(std::make_move_iterator(args.begin() + 1), std::make_move_iterator(args.end()));
  args.resize(1);
  args.push_back(std::move(key));
  ++index.height;
}

} // namespace

Expr readExpr(Input& input, const Node& expression) {
  return std::move(readNested(input, expression).expr);
}

} // namespace xdpc::parse
