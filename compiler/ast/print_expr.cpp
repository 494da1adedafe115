// Expressions as text. See print.h.
#include "compiler/ast/print.h"

#include "runtime/abi/literal.h"
#include "runtime/abi/mac_number.h"

#include <fmt/format.h>

namespace xdpc::ast {
namespace {

std::string number(const Expr& expr) {
  switch (expr.dimension) {
  case Dimension::time:
    return abi::formatDuration(expr.number);
  case Dimension::bytes:
    return fmt::format("{}B", expr.number);
  case Dimension::packet_rate:
    return fmt::format("{}pps", expr.number);
  case Dimension::bit_rate:
    return fmt::format("{}bps", expr.number);
  case Dimension::none:
    break;
  }
  return fmt::format("{}", expr.number);
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\')
      text += fmt::format("\\{}", c);
    else if (c >= ' ' && c < 0x7f)
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text + "\"";
}

std::string operands(const Expr& expr, size_t first = 0) {
  std::string text;
  for (size_t i = first; i < expr.args.size(); ++i)
    text += fmt::format("{}{}", i > first ? " " : "", toText(expr.args[i]));
  return text;
}

std::string mask(const Expr& expr) {
  std::string text = toText(expr.args.at(0));
  for (const uint32_t length : expr.lengths)
    text += fmt::format("/{}", length);
  return text;
}

} // namespace

const char* spelling(Op op) {
  constexpr const char* texts[] = {
      "*", "+", "-", "<<", ">>", "&", "^", "|", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"};
  return texts[static_cast<size_t>(op)];
}

std::string toText(const Expr& expr) {
  switch (expr.kind) {
  case ExprKind::Number:
    return number(expr);
  case ExprKind::Address:
    return abi::toString(expr.prefix->address);
  case ExprKind::Prefix:
    return abi::toString(*expr.prefix);
  case ExprKind::Mac:
    return abi::toString(abi::macOf(expr.number));
  case ExprKind::Range:
    return fmt::format("{}-{}", toText(expr.args.at(0)), toText(expr.args.at(1)));
  case ExprKind::Bytes:
    return quoted(*expr.bytes);
  case ExprKind::Name:
    return std::string(expr.text);
  case ExprKind::Member:
    return fmt::format("{}.{}", toText(expr.args.at(0)), expr.text);
  case ExprKind::Index:
    return fmt::format("{}[{}]", toText(expr.args.at(0)), toText(expr.args.at(1)));
  case ExprKind::Slice:
    return fmt::format("{}[{}:{}]", toText(expr.args.at(0)), toText(expr.args.at(1)), toText(expr.args.at(2)));
  case ExprKind::Call:
    return fmt::format("{}({})", expr.text, operands(expr));
  case ExprKind::Tuple:
    return fmt::format("({} {})", expr.args.size() == 1 ? "group" : "tuple", operands(expr));
  case ExprKind::Set:
    return fmt::format("{{{}}}", operands(expr));
  case ExprKind::Pair:
    return fmt::format("{}=>{}", toText(expr.args.at(0)), toText(expr.args.at(1)));
  case ExprKind::Mask:
    return mask(expr);
  case ExprKind::Negate:
    return fmt::format("(- {})", toText(expr.args.at(0)));
  case ExprKind::Not:
    return fmt::format("(not {})", toText(expr.args.at(0)));
  case ExprKind::Binary:
    return fmt::format("({} {})", spelling(expr.op), operands(expr));
  case ExprKind::Contains:
    return fmt::format("(contains{} {})", expr.flag ? " any" : "", operands(expr));
  case ExprKind::StartsWith:
    return fmt::format("(starts with {})", operands(expr));
  case ExprKind::Load:
    return fmt::format("(load {})", quoted(*expr.bytes));
  }
  return {};
}

} // namespace xdpc::ast
