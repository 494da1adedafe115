// Compares what is left of the rules with and without each header.
#include "compiler/lower/relevance.h"
#include "compiler/ir/checksum.h"
#include "compiler/lower/classifier.h"
#include "compiler/lower/condition.h"

namespace xdpc::lower {
namespace {

using Words = std::vector<uint64_t>;

// What the rules come to on a path, as a row of numbers: two paths with the same row have the same code.
class Residue {
public:
  Residue(const plan::Program& program, const Packet& packet)
      : program_(program), policy_(*program.policy), packet_(packet) {}

  Words rules() {
    list(0);
    for (const ir::OnVerdict& on : policy_.on) {
      if (on.condition)
        condition(*on.condition);
      action(on.emit);
    }
    return std::move(words_);
  }

private:
  void word(uint64_t value) { words_.push_back(value); }

  // False if no packet gets beyond the list.
  bool list(ir::ListId id) {
    const auto& items = policy_.lists[id].items;
    for (size_t i = 0; i < items.size(); ++i) {
      if (const plan::Classifier* run = program_.classifierAt(id, i)) {
        classifier(*run);
        i += run->count - 1;
      } else if (items[i].rule ? !rule(policy_.rules[*items[i].rule]) : !applied(items[i])) {
        return false;
      }
    }
    return true;
  }

  // Signatures with the same trees are one. Those that no packet has come from leaving headers out: they are not.
  void classifier(const plan::Classifier& run) {
    const plan::ClassifierRoot* root = rootFor(policy_, packet_, run);
    word(reinterpret_cast<uint64_t>(&run));
    word(!root ? 2 : root->view ? 1 : 0);
    if (!root || !root->view)
      return;
    word(*root->view);
    for (uint32_t tree : root->trees)
      word(tree);
    for (const plan::ClassifierValue& one : run.values)
      value(one.expr);
    for (uint32_t number : root->bodies)
      body(run.bodies[number - plan::kFirstBody]);
  }

  void body(const plan::ClassifierBody& body) {
    const ir::Rule& rule = policy_.rules[body.rule];
    word(reinterpret_cast<uint64_t>(&rule));
    if (body.remaining)
      condition(*body.remaining);
    if (rule.meter)
      values(policy_.meters[*rule.meter].key);
    block(rule.body);
  }

  bool applied(const ir::ListItem& item) {
    auto known = item.condition ? knownCondition(policy_, packet_, *item.condition) : std::optional<bool>(true);
    if (known == false)
      return true;
    if (!known)
      condition(*item.condition);
    return list(item.list) || !known;
  }

  bool rule(const ir::Rule& rule) {
    auto known = rule.condition ? knownCondition(policy_, packet_, *rule.condition) : std::optional<bool>(true);
    if (known == false && rule.otherwise.steps.empty() && !rule.otherwise.verdict)
      return true;
    word(reinterpret_cast<uint64_t>(&rule));
    if (rule.condition)
      condition(*rule.condition);
    if (rule.meter)
      values(policy_.meters[*rule.meter].key);
    block(rule.body);
    block(rule.otherwise);
    return !(known == true && !rule.meter && rule.body.verdict);
  }

  void condition(const ir::Expr& expr) {
    if (auto known = knownCondition(policy_, packet_, expr))
      return word(*known);
    word(reinterpret_cast<uint64_t>(&expr));
    bool row = expr.kind == ir::ExprKind::And || expr.kind == ir::ExprKind::Or || expr.kind == ir::ExprKind::Not;
    for (const ir::Expr& arg : expr.args)
      row ? condition(arg) : value(arg);
    if (!row)
      resolve(expr);
  }

  void values(const std::vector<ir::Expr>& exprs) {
    for (const ir::Expr& expr : exprs)
      value(expr);
  }

  void value(const ir::Expr& expr) {
    resolve(expr);
    for (const ir::Expr& arg : expr.args)
      value(arg);
  }

  // Which header a name means here.
  void resolve(const ir::Expr& expr) {
    switch (expr.kind) {
    case ir::ExprKind::Field:
    case ir::ExprKind::PayloadLength:
    case ir::ExprKind::Payload:
    case ir::ExprKind::HasBytes:
    case ir::ExprKind::Slice:
    case ir::ExprKind::Contains:
    case ir::ExprKind::LastProtocol:
    case ir::ExprKind::Present:
      break;
    default:
      return;
    }
    auto found = packet_.find(policy_, expr.header, expr.field);
    word(found ? found->id + 1 : 0);
    if (!found || expr.kind != ir::ExprKind::Field)
      return;
    const ir::Field& field = policy_.headers[found->id].fields[found->field];
    if (field.derived)
      field.derived->type.kind == ir::TypeKind::Bool ? condition(*field.derived) : value(*field.derived);
  }

  void headers(const std::vector<ir::HeaderId>& ids) {
    for (ir::HeaderId id : ids) {
      auto found = packet_.find(policy_, id);
      word(found ? found->id + 1 : 0);
    }
  }

  void block(const ir::Block& block) {
    for (const ir::Step& step : block.steps) {
      if (step.action)
        action(*step.action);
      if (step.apply)
        list(*step.apply);
      for (const ir::Branch& branch : step.branch) {
        condition(branch.condition);
        if (branch.meter)
          values(policy_.meters[*branch.meter].key);
        this->block(branch.then);
        this->block(branch.otherwise);
      }
    }
    if (!block.redirect)
      return;
    if (block.redirect->cpu)
      value(*block.redirect->cpu);
    for (const ir::HashPart& part : block.redirect->hash) {
      headers(part.needs);
      value(part.value);
    }
  }

  void action(const ir::Action& action) {
    headers(action.needs);
    values(action.key);
    values(action.targets);
    headers(ir::changedByAssign(policy_, action));
    if (action.kind == ir::ActionKind::Count)
      values(policy_.counters[action.id].key);
    if (action.kind == ir::ActionKind::Emit)
      for (const ir::EventField& field : policy_.events[action.id].fields) {
        headers(field.needs);
        value(field.value);
      }
  }

  const plan::Program& program_;
  const ir::Policy& policy_;
  const Packet& packet_;
  Words words_;
};

} // namespace

Packet relevantHeaders(const plan::Program& program, const Packet& packet) {
  Packet smaller = packet;
  const Words whole = Residue(program, packet).rules();
  for (const auto& [id, value] : packet.headers) {
    if (value.note)
      continue;
    smaller.headers.erase(id);
    if (Residue(program, smaller).rules() != whole)
      smaller.headers[id] = value;
  }
  return smaller;
}

} // namespace xdpc::lower
