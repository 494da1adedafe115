// Rules, their lists, blocks and actions. Private to sema/.
#pragma once

#include "compiler/sema/state.h"

namespace xdpc::sema {

// The rules of the policy and of the lists that it applies, with `default` behind them; names into Scope::rules.
void checkRules(Scope& scope, const ast::Policy& policy);

// rule.cpp: `number` is for a rule without a name.
ir::RuleId checkRule(Scope& scope, const ast::Rule& decl, const std::string& number);

// rule_list.cpp
void declareLists(Scope& scope, const ast::File& file);
// The rules of a policy or a list into policy.lists[id].
// `was`: the former name of the list, whose unnamed rules are numbered in it.
void checkItems(Scope& scope, const std::vector<ast::Rule>& rules, ir::ListId id, const std::string& was = {});
// `apply NAME`: the list, checked where it is applied for the first time. Nothing on errors.
std::optional<ir::ListId> applyList(Scope& scope, const ast::Name& name);
// Lists that nothing applies are checked and left out.
void checkUnapplied(Scope& scope);

// block.cpp. `rule` is the name of the rule that the block is in.
ir::Block checkBlock(Scope& scope, const std::vector<ast::BlockItem>& items, const std::string& rule);
// Of a rule that is one redirect: what its target needs is a condition of the rule, which else would count for nothing.
void hoistCondition(ir::Rule& rule);

// meter_use.cpp: `over M` of a rule or of a condition in a block.
struct MeterUse {
  ir::MeterId meter = 0;
  bool within = false;
};
// A packet without the key's fields neither conforms nor exceeds: the condition then requires their headers.
std::optional<MeterUse> checkMeterUse(Scope& scope, const ast::MeterUse& use, const std::string& rule,
                                      std::optional<ir::Expr>& condition);

// action.cpp. `guards`: what has to hold for the action to have its values, such as a map's key that is there.
std::optional<ir::Action> checkAction(Scope& scope, const ast::Statement& statement, std::vector<ir::Expr>& guards);
// assign.cpp
std::optional<ir::Action> checkAssign(Scope& scope, const ast::Statement& statement, std::vector<ir::Expr>& guards);
// tag.cpp
std::optional<ir::Action> checkPush(Scope& scope, const ast::Statement& statement);
std::optional<ir::Action> checkPop(Scope& scope, const ast::Statement& statement);
// Reports tags that do not stand right before their block's verdict.
void checkTagPlaces(Scope& scope, const std::vector<ast::BlockItem>& items);
// redirect.cpp. `guards`: what has to hold for the target to be known.
std::optional<ir::Redirect> checkRedirect(Scope& scope, const ast::Name& kind, const std::vector<ast::Expr>& exprs,
                                          std::vector<ir::Expr>& guards);

} // namespace xdpc::sema
