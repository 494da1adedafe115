// See test.h.
#include "compiler/parse/test.h"

#include "compiler/parse/expr.h"
#include "compiler/parse/literal.h"
#include "compiler/parse/rule.h"

#include <fmt/format.h>

namespace xdpc::parse {
namespace {

using ast::Op;
using ast::TestLine;
using ast::TestLineKind;

TestLineKind lineKind(Kind kind) {
  switch (kind) {
  case Kind::given:
    return TestLineKind::Given;
  case Kind::wait:
    return TestLineKind::Wait;
  case Kind::expect_counter:
    return TestLineKind::Counter;
  case Kind::expect_event:
    return TestLineKind::Event;
  case Kind::expect_has:
    return TestLineKind::Has;
  case Kind::expect_lacks:
    return TestLineKind::Lacks;
  default:
    return TestLineKind::Packet;
  }
}

Op comparison(std::string_view sign) {
  if (sign == "!=")
    return Op::Ne;
  if (sign == "<")
    return Op::Lt;
  if (sign == "<=")
    return Op::Le;
  if (sign == ">")
    return Op::Gt;
  return sign == ">=" ? Op::Ge : Op::Eq;
}

ast::PacketPart readPart(Input& input, const Node& node) {
  ast::PacketPart part;
  part.span = input.span(node);
  part.name = input.name(*Children(node).begin());
  part.fields = readFields(input, node, Kind::packet_field);
  for (const Node& child : Children(node))
    if (child.kind == Kind::expression)
      part.values.push_back(readExpr(input, child));
  return part;
}

ast::Packet readPacket(Input& input, const Node& node) {
  ast::Packet packet;
  packet.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::packet_part)
      packet.parts.push_back(readPart(input, child));
    else if (child.kind == Kind::truncate)
      packet.truncate = readNumber(input, *Children(child).begin());
  }
  return packet;
}

void readTimes(Input& input, const Node& node, TestLine& line) {
  const Node& number = *Children(node).begin();
  line.times = readNumber(input, number);
  if (line.times == 0)
    input.report(diag::Id::bad_number, input.span(number), "a packet is expected no times").label =
        "at least once, or leave the line out";
}

// The parts of a line, wherever they are in it.
void readPart(Input& input, const Node& child, TestLine& line) {
  switch (child.kind) {
  case Kind::any_verdict:
    line.verdict = input.name(child);
    break;
  case Kind::test_target:
    std::tie(line.redirect_kind, line.target) = readTarget(input, *Children(child).begin());
    break;
  case Kind::by_rule:
    line.rule = input.name(*Children(child).begin());
    break;
  case Kind::packet:
    line.packet = readPacket(input, child);
    break;
  case Kind::becomes:
    line.becomes = readPacket(input, *Children(child).begin());
    break;
  case Kind::times:
    readTimes(input, child, line);
    break;
  case Kind::name:
    line.name = input.name(child);
    break;
  case Kind::any_word: // behind a dot
    line.name = {fmt::format("{}.{}", line.name.text, input.name(child).text), join(line.name.span, input.span(child))};
    break;
  case Kind::expression:
    line.values.push_back(readExpr(input, child));
    break;
  case Kind::counter_key:
    for (const Node& key : Children(child))
      line.values.push_back(readExpr(input, key));
    break;
  case Kind::comparison_sign:
    line.op = comparison(input.text(child));
    break;
  case Kind::number:
    line.number = readNumber(input, child);
    break;
  default:
    break;
  }
}

} // namespace

TestLine readTestLine(Input& input, const Node& node) {
  TestLine line;
  line.kind = lineKind(node.kind);
  line.span = input.span(node);
  for (const Node& child : Children(node))
    readPart(input, child, line);
  return line;
}

ast::Protect readPromise(Input& input, const Node& promise, std::string title) {
  ast::Protect protect;
  protect.title = std::move(title);
  protect.span = input.span(promise);
  protect.verdict = input.name(*find(promise, Kind::any_verdict));
  protect.condition = readExpr(input, *Children(*find(promise, Kind::when)).begin());
  return protect;
}

} // namespace xdpc::parse
