// Rules, their blocks and actions. Private to sema/.
#pragma once

#include "compiler/sema/state.h"

namespace xdpc::sema {

// The rules of the policy with `default` behind them; names into Scope::rules.
void checkRules(Scope& scope, const ast::Policy& policy);

// action.cpp
std::optional<ir::Action> checkAction(Scope& scope, const ast::Statement& statement);

} // namespace xdpc::sema
