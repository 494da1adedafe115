// Declarations that nothing refers to. Looks at names alone: what a test asks of a set or counter is no use of it.
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace xdpc::analysis {
namespace {

class Uses {
public:
  explicit Uses(const ast::File& file) {
    declarations(file);
    for (const ast::Policy& one : file.policies)
      policy(one);
    for (const ast::Protect& one : file.protects)
      expr(one.condition);
    for (const ast::Test& one : file.tests)
      test(one);
  }

  // All that counts of a file that is used.
  void declarations(const ast::File& file) {
    for (const ast::Constant& one : file.constants)
      expr(one.value);
    for (const ast::SetDecl& one : file.sets) {
      clauses(one.clauses);
      initial(one.initial);
    }
    for (const ast::MapDecl& one : file.maps)
      initial(one.initial);
    for (const ast::CounterDecl& one : file.counters)
      clauses(one.clauses);
    for (const ast::MeterDecl& one : file.meters)
      clauses(one.clauses);
    for (const ast::EventDecl& one : file.events)
      exprs(one.fields);
    for (const ast::RulesDecl& one : file.rules)
      rules(one.rules);
    for (const ast::HeaderDecl& one : file.headers)
      header(one);
  }

  Names take() { return std::move(names_); }

private:
  // Most are there already, and are no strings of their own.
  void add(std::string_view name) {
    if (!names_.contains(name))
      names_.emplace(name);
  }

  void expr(const ast::Expr& expr) {
    const bool inner = expr.kind == ast::ExprKind::Member && expr.args[0].text == "inner"; // `vxlan.inner.nd`
    if (expr.kind == ast::ExprKind::Name || expr.kind == ast::ExprKind::Call || inner)
      add(expr.text);
    exprs(expr.args);
  }
  void exprs(const std::vector<ast::Expr>& all) {
    for (const ast::Expr& one : all)
      expr(one);
  }
  void initial(const std::optional<ast::Expr>& value) {
    if (value)
      expr(*value);
  }

  void clauses(const ast::Clauses& clauses) {
    for (const auto* one : {&clauses.rate, &clauses.burst, &clauses.capacity, &clauses.timeout})
      initial(*one);
    exprs(clauses.per);
  }

  void statement(const ast::Statement& statement) {
    add(statement.name.text);
    exprs(statement.exprs);
    for (const auto& [name, value] : statement.fields)
      expr(value);
  }

  void items(const std::vector<ast::BlockItem>& items) {
    for (const ast::BlockItem& item : items) {
      if (item.statement)
        statement(*item.statement);
      rules(item.nested);
    }
  }

  void rules(const std::vector<ast::Rule>& rules) {
    for (const ast::Rule& rule : rules) {
      initial(rule.condition);
      if (rule.meter && rule.meter->name)
        add(rule.meter->name->text);
      if (rule.meter)
        clauses(rule.meter->inline_meter);
      items(rule.body);
      if (rule.otherwise)
        items(*rule.otherwise);
    }
  }

  void policy(const ast::Policy& policy) {
    rules(policy.rules);
    if (policy.otherwise)
      items(*policy.otherwise);
    for (const ast::OnVerdict& on : policy.on) {
      statement(on.emit);
      initial(on.condition);
    }
  }

  void fields(const std::vector<ast::HeaderField>& all) {
    for (const ast::HeaderField& field : all) {
      initial(field.when);
      initial(field.derived);
      fields(field.parts);
    }
  }

  void header(const ast::HeaderDecl& header) {
    fields(header.fields);
    initial(header.size);
    initial(header.length);
    for (const ast::PayloadBy& payload : header.payload) {
      initial(payload.when);
      exprs(payload.entries);
    }
  }

  void packet(const std::optional<ast::Packet>& packet) {
    if (!packet)
      return;
    for (const ast::PacketPart& part : packet->parts) {
      exprs(part.values);
      for (const auto& [name, value] : part.fields)
        expr(value);
    }
  }

  void test(const ast::Test& test) {
    for (const ast::TestLine& line : test.lines) {
      exprs(line.values);
      packet(line.packet);
      packet(line.becomes);
    }
  }

  Names names_;
};

class Unused {
public:
  Unused(const ast::File& file, const Names& used, diag::Emitter& emitter)
      : file_(file), used_(used), emitter_(emitter) {}

  template <class Decl> void of(const std::vector<Decl>& decls, const char* kind, const char* how) {
    for (const Decl& decl : decls) {
      // What another file declares need not be used in all that use the file.
      if (decl.name.span.file != file_.source || used_.contains(decl.name.text))
        continue;
      emitter_.report(diag::Id::unused, decl.name.span, fmt::format("the {} `{}` is never used", kind, decl.name.text))
          .label = how;
    }
  }

private:
  const ast::File& file_;
  const Names& used_;
  diag::Emitter& emitter_;
};

} // namespace

Names namesUsed(const ast::File& file, const std::vector<ast::File>& used) {
  Uses uses(file);
  for (const ast::File& one : used)
    uses.declarations(one);
  return uses.take();
}

void warnOfUnused(const ast::File& file, const Names& used, diag::Emitter& emitter) {
  Unused unused(file, used, emitter);
  unused.of(file.constants, "constant", "");
  unused.of(file.sets, "set", "no rule asks it, adds to it or removes from it");
  unused.of(file.maps, "map", "no rule asks it");
  unused.of(file.externs, "C function", "no rule calls it");
  unused.of(file.counters, "counter", "no rule counts it");
  unused.of(file.meters, "meter", "no rule stands over or within it");
  unused.of(file.events, "event", "no rule emits it");
}

} // namespace xdpc::analysis
