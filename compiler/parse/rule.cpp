// See rule.h.
#include "compiler/parse/rule.h"

#include "compiler/parse/expr.h"
#include "compiler/parse/literal.h"
#include "compiler/parse/state.h"

namespace xdpc::parse {
namespace {

using ast::Statement;
using ast::StatementKind;

StatementKind statementKind(Kind kind) {
  switch (kind) {
  case Kind::redirect:
    return StatementKind::Redirect;
  case Kind::count:
    return StatementKind::Count;
  case Kind::emit:
    return StatementKind::Emit;
  case Kind::add:
    return StatementKind::Add;
  case Kind::remove:
    return StatementKind::Remove;
  case Kind::push:
    return StatementKind::Push;
  case Kind::pop:
    return StatementKind::Pop;
  case Kind::apply:
    return StatementKind::Apply;
  case Kind::assign:
    return StatementKind::Assign;
  default:
    return StatementKind::Verdict;
  }
}

ast::MeterUse readMeterUse(Input& input, const Node& node) {
  ast::MeterUse use;
  use.span = input.span(node);
  use.within = input.text(node).starts_with("within");
  const Node& what = *Children(node).begin();
  if (what.kind == Kind::name)
    use.name = input.name(what);
  else
    use.inline_meter = readClauses(input, what);
  return use;
}

} // namespace

bool isStatement(Kind kind) {
  return kind == Kind::verdict || statementKind(kind) != StatementKind::Verdict;
}

std::vector<std::pair<ast::Name, ast::Expr>> readFields(Input& input, const Node& parent, Kind kind) {
  std::vector<std::pair<ast::Name, ast::Expr>> fields;
  for (const Node& child : Children(parent))
    if (child.kind == kind) {
      const Node& name = *Children(child).begin();
      fields.emplace_back(input.name(name), readExpr(input, *++Children(child).begin()));
    }
  return fields;
}

std::pair<ast::Name, std::vector<ast::Expr>> readTarget(Input& input, const Node& target) {
  std::vector<ast::Expr> exprs;
  for (const Node& child : Children(target)) {
    if (child.kind == Kind::bytes_literal)
      exprs.push_back(readBytes(input, child));
    else if (child.kind == Kind::expression)
      exprs.push_back(readExpr(input, child));
    else if (child.kind == Kind::name) {
      ast::Expr name;
      name.kind = ast::ExprKind::Name;
      name.span = input.span(child);
      name.text = input.text(child);
      exprs.push_back(std::move(name));
    } else if (child.kind == Kind::hash_keys) {
      for (const Node& key : Children(child))
        exprs.push_back(readExpr(input, key));
    }
  }
  const std::string_view word = target.kind == Kind::to_dev    ? "dev"
                                : target.kind == Kind::to_cpu  ? "cpu"
                                : target.kind == Kind::to_cpus ? "cpus"
                                                               : "socket";
  const auto end = target.begin + static_cast<uint32_t>(word.size());
  return std::pair(ast::Name{std::string(word), input.span(target.begin, end)}, std::move(exprs));
}

Statement readStatement(Input& input, const Node& node) {
  Statement statement;
  statement.kind = statementKind(node.kind);
  statement.span = input.span(node);
  if (node.kind == Kind::verdict) {
    statement.name = input.name(node);
    return statement;
  }
  if (node.kind == Kind::redirect) {
    std::tie(statement.name, statement.exprs) = readTarget(input, *Children(node).begin());
    return statement;
  }
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::name)
      statement.name = input.name(child);
    else if (child.kind == Kind::expression)
      statement.exprs.push_back(readExpr(input, child));
    else if (child.kind == Kind::sample)
      statement.sample = readSample(input, child);
  }
  if (node.kind == Kind::push)
    statement.fields = readFields(input, node, Kind::field_value);
  return statement;
}

ast::Rule readRule(Input& input, const Node& rule) {
  ast::Rule result;
  result.span = input.span(rule);
  for (const Node& child : Children(rule)) {
    if (child.kind == Kind::rule_name) {
      result.name = input.name(*Children(child).begin());
      if (const Node* was = find(child, Kind::formerly))
        result.was = input.name(*Children(*was).begin());
    } else if (child.kind == Kind::when)
      result.condition = readExpr(input, *Children(child).begin());
    else if (child.kind == Kind::meter_use)
      result.meter = readMeterUse(input, child);
    else if (isStatement(child.kind)) {
      result.body.emplace_back();
      result.body.back().statement = readStatement(input, child);
    }
  }
  return result;
}

ast::OnVerdict readOnVerdict(Input& input, const Node& node) {
  ast::OnVerdict on;
  on.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::any_verdict)
      on.verdict = input.name(child);
    else if (child.kind == Kind::emit)
      on.emit = readStatement(input, child);
    else if (child.kind == Kind::when)
      on.condition = readExpr(input, *Children(child).begin());
  }
  return on;
}

} // namespace xdpc::parse
