// Checks blocks: their statements up to a verdict, and the conditions nested in them. Tested by
// tests/unit/sema/rule_test.cpp.
#include "compiler/ir/block.h"
#include "compiler/ir/verdict.h"
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace xdpc::sema {

namespace {

ir::Expr allOf(std::vector<ir::Expr> conditions, Span span) {
  ir::Expr all;
  all.kind = ir::ExprKind::And;
  all.type = {ir::TypeKind::Bool};
  all.span = span;
  all.args = std::move(conditions);
  return all;
}

class BlockChecker {
public:
  BlockChecker(Scope& scope, const std::string& rule) : scope_(scope), rule_(rule) {}

  ir::Block check(const std::vector<ast::BlockItem>& items) {
    ir::Block block;
    checkTagPlaces(scope_, items);
    bool ended = false;
    for (const ast::BlockItem& item : items) {
      if (ended) {
        scope_.emitter.report(diag::Id::after_verdict, spanOf(item),
                              "this is never reached: a verdict stands before it");
        break;
      }
      ended = add(item, block);
    }
    return block;
  }

private:
  static Span spanOf(const ast::BlockItem& item) {
    return item.statement ? item.statement->span : item.nested.empty() ? Span{} : item.nested[0].span;
  }

  // True if nothing behind the item is reached.
  bool add(const ast::BlockItem& item, ir::Block& block) {
    if (!item.statement)
      return item.nested.empty() ? false : addBranch(item.nested[0], block);
    const ast::Statement& statement = *item.statement;
    if (statement.kind == ast::StatementKind::Verdict) {
      block.verdict = ir::verdictByName(statement.name.text);
      block.verdict_span = statement.span;
      return true;
    }
    if (statement.kind == ast::StatementKind::Redirect)
      return addRedirect(statement, block);
    ir::Step step;
    if (statement.kind == ast::StatementKind::Apply)
      step.apply = applyList(scope_, statement.name);
    else
      addAction(statement, block);
    if (step.apply)
      block.steps.push_back(std::move(step));
    return false;
  }

  // One through a map goes on where the map has nothing.
  bool addRedirect(const ast::Statement& statement, ir::Block& block) {
    std::vector<ir::Expr> guards;
    auto redirect = checkRedirect(scope_, statement.name, statement.exprs, guards);
    const bool always = guards.empty();
    ir::Block& end = always ? block : blockWhere(std::move(guards), statement.span, block);
    end.redirect = std::move(redirect);
    end.verdict = ir::Verdict::Redirect;
    end.verdict_span = statement.span;
    return always;
  }

  // A block at the end of `block`, where the conditions hold: else the packet goes on behind it. Tags stand
  // right before the verdict, and go with it.
  ir::Block& blockWhere(std::vector<ir::Expr> conditions, Span span, ir::Block& block) {
    auto tags = block.steps.end();
    while (tags != block.steps.begin() && std::prev(tags)->action && ir::isTag(*std::prev(tags)->action))
      --tags;
    ir::Step step = inCondition(std::move(conditions), span);
    std::move(tags, block.steps.end(), std::back_inserter(step.branch[0].then.steps));
    block.steps.erase(tags, block.steps.end());
    block.steps.push_back(std::move(step));
    return block.steps.back().branch[0].then;
  }

  // A step that is one branch, still empty.
  static ir::Step inCondition(std::vector<ir::Expr> conditions, Span span) {
    ir::Branch branch;
    branch.span = span;
    branch.condition = allOf(std::move(conditions), span);
    ir::Step step;
    step.branch.push_back(std::move(branch));
    return step;
  }

  void addAction(const ast::Statement& statement, ir::Block& block) {
    std::vector<ir::Expr> guards;
    ir::Step step;
    step.action = checkAction(scope_, statement, guards);
    if (!step.action)
      return;
    if (!guards.empty())
      step = guarded(std::move(step), std::move(guards), statement.span);
    block.steps.push_back(std::move(step));
  }

  // An action whose values need not be there is one in a condition.
  static ir::Step guarded(ir::Step action, std::vector<ir::Expr> guards, Span span) {
    std::vector<ir::Expr> conditions;
    for (ir::HeaderId id : action.action->needs)
      conditions.push_back(present(id, span));
    std::ranges::move(guards, std::back_inserter(conditions));
    ir::Step step = inCondition(std::move(conditions), span);
    step.branch[0].then.steps.push_back(std::move(action));
    return step;
  }

  bool addBranch(const ast::Rule& nested, ir::Block& block) {
    if (depth_ == kMaxNesting) {
      scope_.emitter.report(diag::Id::too_deep, nested.span,
                            fmt::format("blocks are nested more than {} deep", kMaxNesting));
      return false;
    }
    if (nested.name)
      scope_.emitter.report(diag::Id::bad_clause, nested.name->span, "a condition in a block has no name of its own");
    ++depth_;
    ir::Branch branch = branchOf(nested);
    branch.then = check(nested.body);
    if (nested.otherwise)
      branch.otherwise = check(*nested.otherwise);
    --depth_;
    const bool ended = ir::endsPacket(branch.then) && ir::endsPacket(branch.otherwise);
    ir::Step step;
    step.branch.push_back(std::move(branch));
    block.steps.push_back(std::move(step));
    return ended;
  }

  ir::Branch branchOf(const ast::Rule& nested) {
    ir::Branch branch;
    branch.span = nested.span;
    std::optional<ir::Expr> condition;
    if (nested.condition)
      condition = checkWholeCondition({scope_, {}}, *nested.condition);
    if (nested.meter)
      if (const auto use = checkMeterUse(scope_, *nested.meter, rule_, condition)) {
        branch.meter = use->meter;
        branch.within = use->within;
      }
    branch.condition = condition ? std::move(*condition) : truth(true, nested.span).expr;
    return branch;
  }

  static constexpr unsigned kMaxNesting = 32;
  Scope& scope_;
  const std::string& rule_;
  unsigned depth_ = 0;
};

} // namespace

void hoistCondition(ir::Rule& rule) {
  if (rule.body.verdict || rule.body.steps.size() != 1 || rule.body.steps[0].branch.empty())
    return;
  ir::Branch branch = std::move(rule.body.steps[0].branch[0]);
  std::vector<ir::Expr> conditions;
  if (rule.condition)
    conditions.push_back(std::move(*rule.condition));
  conditions.push_back(std::move(branch.condition));
  rule.condition = allOf(std::move(conditions), rule.span);
  rule.body = std::move(branch.then);
}

ir::Block checkBlock(Scope& scope, const std::vector<ast::BlockItem>& items, const std::string& rule) {
  return BlockChecker(scope, rule).check(items);
}

} // namespace xdpc::sema
