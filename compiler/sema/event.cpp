// Checks events: what each field is, and the headers without which it is null. Tested by
// tests/unit/sema/state_test.cpp.
#include "compiler/sema/state.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr size_t kMaxFields = 64; // a bit each in a record's `nulls`

bool addField(Scope& scope, const ast::Expr& expr, ir::Event& event) {
  Value value = checkExpr({scope, {}}, expr);
  if (!value.ok)
    return false;
  const auto kind = keyKind(value);
  if (!kind || value.constant) {
    scope.emitter.report(diag::Id::type_mismatch, expr.span,
                         fmt::format("{}; an event holds a packet's fields", describe(expr, value)));
    return false;
  }
  ir::EventField field;
  field.name = std::string(expr.span.text());
  for (const ir::EventField& before : event.fields)
    if (before.name == field.name) {
      diag::Diagnostic& error = scope.emitter.report(diag::Id::duplicate_name, expr.span,
                                                     fmt::format("`{}` has {} twice", event.name, quoted(expr.span)));
      error.notes.push_back({before.value.span, "the first one is here"});
      return false;
    }
  field.needs.assign(value.needs.begin(), value.needs.end());
  field.kind = *kind;
  field.value = std::move(value.expr);
  event.fields.push_back(std::move(field));
  return true;
}

} // namespace

void checkEvent(Scope& scope, const ast::EventDecl& decl, ir::EventId id) {
  ir::Event& event = scope.policy.events[id];
  if (decl.fields.size() > kMaxFields) {
    scope.emitter.report(
        diag::Id::too_large, decl.fields[kMaxFields].span,
        fmt::format("`{}` has {} fields, {} are possible", event.name, decl.fields.size(), kMaxFields));
    return;
  }
  for (const ast::Expr& expr : decl.fields)
    addField(scope, expr, event);
}

} // namespace xdpc::sema
