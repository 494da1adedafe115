// See state.h.
#include "compiler/parse/state.h"

#include "compiler/parse/expr.h"
#include "compiler/parse/header.h"
#include "compiler/parse/literal.h"

#include <fmt/format.h>

namespace xdpc::parse {
namespace {

using ast::Clauses;
using diag::Id;

ast::Name readType(Input& input, const Node& node) {
  return input.name(node);
}

std::vector<ast::Name> readTypes(Input& input, const Node& types) {
  std::vector<ast::Name> result;
  for (const Node& type : Children(types))
    result.push_back(readType(input, type));
  return result;
}

class ClauseReader {
public:
  ClauseReader(Input& input, Clauses& clauses) : input_(input), clauses_(clauses) {}

  void read(const Node& node) {
    switch (node.kind) {
    case Kind::rate:
      return value(clauses_.rate, node, "rate");
    case Kind::burst:
      return value(clauses_.burst, node, "burst");
    case Kind::capacity:
      return value(clauses_.capacity, node, "capacity");
    case Kind::timeout:
      return value(clauses_.timeout, node, "timeout");
    case Kind::expression: // an inline meter's rate
      clauses_.rate = readExpr(input_, node);
      return;
    case Kind::per:
      return per(node);
    case Kind::when_full:
      check(!clauses_.when_full, node, "when full");
      clauses_.when_full = input_.name(*Children(node).begin());
      return;
    case Kind::exact_clock:
      check(!clauses_.clock_exact, node, "clock exact");
      clauses_.clock_exact = true;
      return;
    case Kind::hit_count:
      check(!clauses_.count, node, "count");
      clauses_.count = true;
      return;
    default:
      return;
    }
  }

private:
  void check(bool first, const Node& node, std::string_view word) {
    if (!first)
      input_.report(Id::repeated_clause, input_.span(node), fmt::format("`{}` is given twice", word));
  }

  void value(std::optional<ast::Expr>& slot, const Node& node, std::string_view word) {
    check(!slot, node, word);
    slot = readExpr(input_, *Children(node).begin());
  }

  // `per (ip.src, l4.dport)` is `per ip.src, l4.dport`.
  void per(const Node& node) {
    check(clauses_.per.empty(), node, "per");
    clauses_.per.clear();
    for (const Node& key : Children(node))
      clauses_.per.push_back(readExpr(input_, key));
    if (clauses_.per.size() == 1 && clauses_.per[0].kind == ast::ExprKind::Tuple) {
      std::vector<ast::Expr> parts = std::move(clauses_.per[0].args);
      clauses_.per = std::move(parts);
    }
  }

  Input& input_;
  Clauses& clauses_;
};

// The parts that declarations of state have in common, wherever they are.
template <class Declaration> Declaration readNamed(Input& input, const Node& node) {
  Declaration declaration;
  declaration.span = input.span(node);
  declaration.name = input.name(*Children(node).begin());
  return declaration;
}

template <class Declaration> Declaration readState(Input& input, const Node& node) {
  auto declaration = readNamed<Declaration>(input, node);
  if (const Node* was = find(node, Kind::formerly))
    declaration.was = input.name(*Children(*was).begin());
  if (const Node* clauses = find(node, Kind::clauses))
    declaration.clauses = readClauses(input, *clauses);
  return declaration;
}

std::optional<ast::Expr> readInitial(Input& input, const Node& node) {
  if (const Node* initial = find(node, Kind::initial))
    return readExpr(input, *Children(*initial).begin());
  return std::nullopt;
}

ast::Constant readConstant(Input& input, const Node& node) {
  auto constant = readNamed<ast::Constant>(input, node);
  constant.value = readExpr(input, *find(node, Kind::expression));
  return constant;
}

ast::SetDecl readSet(Input& input, const Node& node) {
  auto set = readState<ast::SetDecl>(input, node);
  const Node& types = *find(node, Kind::types);
  set.key = readTypes(input, types);
  set.tuple = input.text(types).starts_with('(');
  set.initial = readInitial(input, node);
  return set;
}

ast::MapDecl readMap(Input& input, const Node& node) {
  auto map = readNamed<ast::MapDecl>(input, node);
  for (const Node& child : Children(node))
    if (child.kind == Kind::types)
      (map.key.empty() ? map.key : map.value) = readTypes(input, child);
  map.initial = readInitial(input, node);
  return map;
}

ast::EventDecl readEvent(Input& input, const Node& node) {
  auto event = readNamed<ast::EventDecl>(input, node);
  for (const Node& child : Children(node))
    if (child.kind == Kind::expression)
      event.fields.push_back(readExpr(input, child));
  return event;
}

ast::ExternDecl readExtern(Input& input, const Node& node) {
  ast::ExternDecl decl;
  decl.span = input.span(node);
  for (const Node& child : Children(node)) {
    if (child.kind == Kind::title) {
      decl.path = readText(input, child);
      decl.path_span = input.span(child);
    } else if (child.kind == Kind::name) {
      decl.name = input.name(child);
    } else if (child.kind == Kind::extern_parameters) {
      decl.parameters = readTypes(input, child);
    } else if (child.kind == Kind::type) {
      decl.result = input.name(child);
    }
  }
  return decl;
}

} // namespace

Clauses readClauses(Input& input, const Node& node) {
  Clauses clauses;
  clauses.span = input.span(node);
  ClauseReader reader(input, clauses);
  for (const Node& child : Children(node))
    reader.read(child);
  return clauses;
}

void readDeclaration(Input& input, const Node& node, ast::File& file) {
  switch (node.kind) {
  case Kind::constant:
    return void(file.constants.push_back(readConstant(input, node)));
  case Kind::set_declaration:
    return void(file.sets.push_back(readSet(input, node)));
  case Kind::map_declaration:
    return void(file.maps.push_back(readMap(input, node)));
  case Kind::counter_declaration:
    return void(file.counters.push_back(readState<ast::CounterDecl>(input, node)));
  case Kind::meter_declaration:
    return void(file.meters.push_back(readState<ast::MeterDecl>(input, node)));
  case Kind::event_declaration:
    return void(file.events.push_back(readEvent(input, node)));
  case Kind::header_declaration:
  case Kind::extend_declaration:
    return void(file.headers.push_back(readHeader(input, node)));
  case Kind::use:
    return void(file.uses.push_back({readText(input, *Children(node).begin()), input.span(node)}));
  case Kind::extern_declaration:
    return void(file.externs.push_back(readExtern(input, node)));
  default:
    return;
  }
}

} // namespace xdpc::parse
