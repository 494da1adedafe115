// Walks every expression and action of a policy's rules, in order.
#pragma once

#include "compiler/ir/ir.h"

#include <functional>

namespace xdpc::plan {

using ExprVisitor = std::function<void(const ir::Expr&)>;
using ActionVisitor = std::function<void(const ir::Action&)>;
using RedirectVisitor = std::function<void(const ir::Redirect&)>;

void visitExpr(const ir::Expr& expr, const ExprVisitor& visit); // the expression, then its parts
void visitRedirects(const ir::Block& block, const RedirectVisitor& visit);
// Conditions, meters' keys, the keys and targets of actions, what redirects hash, and the fields of emitted events.
// A rule once, however often its list is applied.
void visitRules(const ir::Policy& policy, const ExprVisitor& expr, const ActionVisitor& action);
// The actions alone: most rules of a large policy have none.
void visitActions(const ir::Policy& policy, const ActionVisitor& action);

// The headers that must be there for the expressions to have values.
std::vector<ir::HeaderId> headersOf(const std::vector<ir::Expr>& exprs);

} // namespace xdpc::plan
