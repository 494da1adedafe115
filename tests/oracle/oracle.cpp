// Rules and actions, one packet at a time.
#include "tests/oracle/oracle.h"

#include "tests/oracle/rewrite.h"

namespace xdpc::oracle {

namespace {

std::string toText(const Value& value) {
  if (!value.address)
    return value.bytes + std::to_string(value.number);
  return (value.address->family == abi::Family::v4 ? "v4 " : "v6 ") +
         std::string(value.address->bytes.begin(), value.address->bytes.end());
}

} // namespace

// One packet's way through the rules.
class Oracle::Packets {
public:
  Packets(Oracle& oracle, const Input& input)
      : o_(oracle), policy_(oracle.policy_), now_ns_(input.now_ns), frame_(input.frame),
        packet_(parsePacket(policy_, frame_, input.ifindex, input.rx_queue)) {}

  Outcome run() {
    const auto verdict = list(0);
    if (!verdict)
      throw Unsupported("a policy without a default");
    for (const ir::OnVerdict& on : policy_.on)
      if (on.verdict == *verdict && (!on.condition || truth(*on.condition)))
        emit(on.emit, outcome_.rule, verdict);
    // Tests have no sockets.
    const bool socket = outcome_.redirect && outcome_.redirect->kind == ir::TargetKind::Socket;
    outcome_.verdict = socket ? ir::Verdict::Pass : *verdict;
    changeTags(policy_, frame_, tags_);
    outcome_.frame = std::move(frame_);
    return std::move(outcome_);
  }

private:
  bool truth(const ir::Expr& expr) { return holds(policy_, packet_, expr, in_set_); }

  // Rules and applied lists from top to bottom.
  std::optional<ir::Verdict> list(ir::ListId id) {
    for (const ir::ListItem& item : policy_.lists[id].items)
      if (const auto verdict = item.rule ? rule(*item.rule) : applied(item))
        return verdict;
    return std::nullopt;
  }

  std::optional<ir::Verdict> applied(const ir::ListItem& item) {
    return !item.condition || truth(*item.condition) ? list(item.list) : std::nullopt;
  }

  std::optional<ir::Verdict> rule(ir::RuleId id) {
    const ir::Rule& rule = policy_.rules[id];
    if (!applies(rule.condition ? &*rule.condition : nullptr, rule.meter, rule.within))
      return block(rule.otherwise, id);
    o_.rules_[id].add(packet_.length);
    return block(rule.body, id);
  }

  bool applies(const ir::Expr* condition, std::optional<ir::MeterId> meter, bool within) {
    return (!condition || truth(*condition)) && (!meter || metered(*meter, within));
  }

  bool metered(ir::MeterId id, bool within) {
    const ir::Meter& meter = policy_.meters[id];
    const auto key = makeKey(policy_, packet_, meter.key, meter.key_type);
    return key && o_.meters_[id].conforms(*key, packet_.length, now_ns_) == within;
  }

  std::optional<ir::Verdict> block(const ir::Block& block, ir::RuleId rule) {
    for (const ir::Step& step : block.steps)
      if (const auto verdict = this->step(step, block, rule))
        return verdict;
    if (block.verdict)
      end(block, rule);
    return block.verdict;
  }

  // What tags and redirects read, they read before a tag moves anything.
  void end(const ir::Block& block, ir::RuleId rule) {
    outcome_.rule = rule;
    tags_ = tagsOf(policy_, packet_, block, in_set_);
    if (!block.redirect)
      return;
    outcome_.redirect = &*block.redirect;
    if (block.redirect->cpu)
      outcome_.cpu = evaluate(policy_, packet_, *block.redirect->cpu, in_set_)->number;
    for (const ir::HashPart& part : block.redirect->hash) {
      const auto value = evaluate(policy_, packet_, part.value, in_set_);
      outcome_.flow += value ? toText(*value) + " " : "- ";
    }
  }

  std::optional<ir::Verdict> step(const ir::Step& step, const ir::Block& block, ir::RuleId rule) {
    if (step.action)
      act(*step.action, block, rule);
    if (step.apply)
      return list(*step.apply);
    for (const ir::Branch& branch : step.branch)
      return this->block(applies(&branch.condition, branch.meter, branch.within) ? branch.then : branch.otherwise,
                         rule);
    return std::nullopt;
  }

  void act(const ir::Action& action, const ir::Block& block, ir::RuleId rule) {
    switch (action.kind) {
    case ir::ActionKind::Count:
      return count(action);
    case ir::ActionKind::Emit:
      return emit(action, rule, block.verdict);
    case ir::ActionKind::Add:
      return change(action);
    case ir::ActionKind::Remove:
      return change(action);
    case ir::ActionKind::Assign:
      return assign(policy_, packet_, frame_, action, in_set_);
    case ir::ActionKind::PushVlan:
    case ir::ActionKind::PopVlan:
      return; // with the verdict behind them
    }
  }

  void count(const ir::Action& action) {
    const ir::Counter& counter = policy_.counters[action.id];
    if (counter.key.empty())
      return o_.counters_[action.id].add(packet_.length);
    if (const auto key = makeKey(policy_, packet_, counter.key, counter.key_type))
      o_.keyed_[action.id].add(counter, *key, packet_.length);
  }

  void change(const ir::Action& action) {
    const auto key = makeKey(policy_, packet_, action.key, policy_.sets[action.id].key);
    if (!key)
      return;
    if (action.kind == ir::ActionKind::Remove)
      return o_.sets_[action.id].remove(*key);
    const bool ends = action.duration_ns != abi::kNever;
    o_.sets_[action.id].add(*key, ends ? now_ns_ + action.duration_ns : abi::kNever, now_ns_);
  }

  void emit(const ir::Action& action, ir::RuleId rule, std::optional<ir::Verdict> verdict) {
    if (o_.emitted_[&action]++ % action.sample != 0)
      return;
    const ir::Event& declared = policy_.events[action.id];
    Event event{declared.name, policy_.rules[rule].name, verdict, {}};
    for (const ir::EventField& field : declared.fields)
      event.fields.emplace_back(field.name, makeKeyPart(policy_, packet_, field.value, field.kind));
    outcome_.events.push_back(std::move(event));
  }

  Oracle& o_;
  const ir::Policy& policy_;
  uint64_t now_ns_;
  std::vector<uint8_t> frame_; // as it is now
  Packet packet_;
  const InSet in_set_ = [this](ir::SetId id, const abi::KeyValue& key) { return o_.sets_[id].covers(key, now_ns_); };
  std::vector<Tag> tags_; // of the verdict
  Outcome outcome_;
};

Oracle::Oracle(const ir::Policy& policy)
    : policy_(policy), rules_(policy.rules.size()), counters_(policy.counters.size()), keyed_(policy.counters.size()),
      sets_(policy.sets.begin(), policy.sets.end()), meters_(policy.meters.begin(), policy.meters.end()) {}

Outcome Oracle::run(const Input& input) {
  return Packets(*this, input).run();
}

} // namespace xdpc::oracle
