// Prints a checked policy: state, rules, promises, tests, then the headers that they read. Entry point: toText. Tested
// by tests/unit/sema/ir_test.cpp.
#include "compiler/ir/print.h"
#include "compiler/ir/verdict.h"

#include <fmt/format.h>
#include <set>

namespace xdpc::ir {

namespace {

class Printer {
public:
  explicit Printer(const Policy& policy) : policy_(policy) {}
  std::string run();

private:
  template <class... Args> void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  std::string text(const Expr& expr) {
    note(expr);
    return toText(policy_, expr);
  }
  std::string keyText(const std::vector<Expr>& key);
  std::string needsText(const std::vector<HeaderId>& needs);
  std::string meterText(std::optional<MeterId> meter, bool within) const;
  void note(const Expr& expr);
  void noteHeader(HeaderId id);

  void constSet(ConstSetId id);
  void map(const Map& map);
  void set(const Set& set);
  void meter(const Meter& meter);
  void counter(const Counter& counter);
  void event(const Event& event);
  void rule(const Rule& rule);
  void list(const RuleList& list);
  void block(const Block& block);
  void action(const Action& action);
  std::string redirectText(const Redirect& redirect);
  void test(const Test& test);
  void step(const TestStep& step);
  void header(HeaderId id);

  const Policy& policy_;
  std::string out_;
  std::set<HeaderId> headers_; // that anything printed so far refers to
  unsigned depth_ = 0;
};

void Printer::noteHeader(HeaderId id) {
  if (!headers_.insert(id).second)
    return;
  for (HeaderId alternative : policy_.headers[id].alternatives)
    noteHeader(alternative);
}

void Printer::note(const Expr& expr) {
  if (expr.kind == ExprKind::Field || expr.kind == ExprKind::PayloadLength || expr.kind == ExprKind::LastProtocol ||
      expr.kind == ExprKind::Present || expr.kind == ExprKind::Payload || expr.kind == ExprKind::HasBytes ||
      expr.kind == ExprKind::Slice || expr.kind == ExprKind::Contains)
    noteHeader(expr.header);
  if (expr.kind == ExprKind::Field) {
    const Field& field = policy_.headers[expr.header].fields[expr.field];
    if (field.derived)
      note(*field.derived);
  }
  for (const Expr& arg : expr.args)
    note(arg);
}

std::string Printer::keyText(const std::vector<Expr>& key) {
  std::string inner;
  for (const Expr& part : key)
    inner += (inner.empty() ? "" : ", ") + text(part);
  return key.size() == 1 ? inner : "(" + inner + ")";
}

std::string Printer::needsText(const std::vector<HeaderId>& needs) {
  std::string inner;
  for (HeaderId id : needs) {
    noteHeader(id);
    inner += (inner.empty() ? "" : ", ") + policy_.headers[id].name;
  }
  return needs.empty() ? "" : " needs " + inner;
}

std::string number128(u128 value) {
  if (value >> 64 == 0)
    return fmt::format("{}", static_cast<uint64_t>(value));
  return fmt::format("0x{:x}{:016x}", static_cast<uint64_t>(value >> 64), static_cast<uint64_t>(value));
}

std::string boundText(const Interval& interval, u128 value) {
  if (interval.domain == Domain::number)
    return number128(value);
  abi::Address address;
  address.family = interval.domain == Domain::v4 ? abi::Family::v4 : abi::Family::v6;
  const unsigned bytes = interval.domain == Domain::v4 ? 4 : 16;
  for (unsigned i = 0; i < bytes; ++i)
    address.bytes[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
  return abi::toString(address);
}

std::string intervalText(const Interval& interval) {
  if (interval.low == interval.high)
    return boundText(interval, interval.low);
  return boundText(interval, interval.low) + "-" + boundText(interval, interval.high);
}

void Printer::constSet(ConstSetId id) {
  const ConstSet& set = policy_.const_sets[id];
  std::string elements;
  for (const auto& element : set.elements) {
    std::string one;
    for (const Interval& interval : element)
      one += (one.empty() ? "" : ", ") + intervalText(interval);
    elements += (elements.empty() ? "" : ", ") + (element.size() == 1 ? one : "(" + one + ")");
  }
  line("const#{}{}{} of {} = {{ {} }}", id, set.name.empty() ? "" : " ", set.name, typeName(set.parts), elements);
}

void Printer::map(const Map& map) {
  line("map {} of {} -> {}", map.name, abi::keyTypeName(map.key), typeName(map.value));
  ++depth_;
  for (const MapEntry& entry : map.entries) {
    std::string key;
    for (const Interval& interval : entry.key)
      key += (key.empty() ? "" : ", ") + intervalText(interval);
    const bool address = map.value.kind == TypeKind::Ipv4 || map.value.kind == TypeKind::Ipv6;
    line("{} => {}", entry.key.size() == 1 ? key : "(" + key + ")",
         address ? abi::toString(entry.address) : number128(entry.number));
  }
  --depth_;
}

std::string Printer::meterText(std::optional<MeterId> meter, bool within) const {
  return meter ? fmt::format(" {} {}", within ? "within" : "over", policy_.meters[*meter].name) : "";
}

std::string formerly(const std::string& was) {
  return was.empty() ? "" : " was " + was;
}

void Printer::set(const Set& set) {
  std::string lengths;
  for (const abi::PrefixLength& length : set.added_lengths)
    lengths += fmt::format(" {}/{}", length.family == abi::Family::v4 ? "v4" : "v6", length.length);
  line("set {}{} of {} capacity {}{}{}{}{}{}", set.name, formerly(set.was), abi::keyTypeName(set.key), set.capacity,
       set.timeout_ns ? " timeout " + abi::formatDuration(set.timeout_ns) : "",
       set.refuse_when_full ? " when full refuse" : "", set.count ? " count" : "",
       set.added_by_policy ? " added by policy" : "", lengths.empty() ? "" : " lengths" + lengths);
  ++depth_;
  for (const abi::KeyValue& value : set.initial)
    line("{}", abi::formatKey(set.key, value));
  --depth_;
}

void Printer::meter(const Meter& meter) {
  static const char* const full[] = {"evict", "drop", "pass"};
  std::string keyed;
  if (!meter.key.empty())
    keyed = fmt::format(" per {} of {} capacity {} when full {}", keyText(meter.key), abi::keyTypeName(meter.key_type),
                        meter.capacity, full[static_cast<unsigned>(meter.when_full)]);
  line("meter {}{} rate {} {} burst {}{}{}{}", meter.name, formerly(meter.was), meter.rate, meter.bits ? "bps" : "pps",
       meter.burst, meter.bits ? " bytes" : "", keyed, meter.exact_clock ? " clock exact" : "");
}

void Printer::counter(const Counter& counter) {
  if (counter.key.empty())
    return line("counter {}{}", counter.name, formerly(counter.was));
  line("counter {}{} per {} of {} capacity {}", counter.name, formerly(counter.was), keyText(counter.key),
       abi::keyTypeName(counter.key_type), counter.capacity);
}

void Printer::event(const Event& event) {
  line("event {}", event.name);
  ++depth_;
  for (const EventField& field : event.fields)
    line("{}: {} = {}{}", field.name, abi::keyKindName(field.kind), text(field.value), needsText(field.needs));
  --depth_;
}

void Printer::action(const Action& action) {
  switch (action.kind) {
  case ActionKind::Count:
    return line("count {}{}{}", policy_.counters[action.id].name,
                action.key.empty() ? "" : " key " + keyText(action.key), needsText(action.needs));
  case ActionKind::Emit:
    return line("emit {}{}", policy_.events[action.id].name,
                action.sample > 1 ? fmt::format(" sample 1/{}", action.sample) : "");
  case ActionKind::Add:
    return line("add {} to {} for {}{}", keyText(action.key), policy_.sets[action.id].name,
                action.duration_ns == abi::kNever ? "ever" : abi::formatDuration(action.duration_ns),
                needsText(action.needs));
  case ActionKind::Remove:
    return line("remove {} from {}{}", keyText(action.key), policy_.sets[action.id].name, needsText(action.needs));
  case ActionKind::Assign:
    return line("{} = {}{}", keyText(action.targets), keyText(action.key), needsText(action.needs));
  case ActionKind::PushVlan:
    return line("push vlan {:#x} {}{}", action.id, keyText(action.key), needsText(action.needs));
  case ActionKind::PopVlan:
    return line("pop vlan");
  }
}

std::string Printer::redirectText(const Redirect& redirect) {
  if (redirect.kind != TargetKind::Cpu)
    return fmt::format(" to {} {}", redirect.kind == TargetKind::Device ? "dev" : "socket", redirect.name);
  std::string cpus, hash;
  for (uint32_t cpu : redirect.cpus)
    cpus += fmt::format(" {}", cpu);
  for (const HashPart& part : redirect.hash)
    hash += (hash.empty() ? " by hash " : ", ") + text(part.value);
  return " to cpus" + cpus + hash + (redirect.cpu ? " by " + text(*redirect.cpu) : "");
}

void Printer::block(const Block& block) {
  ++depth_;
  for (const Step& step : block.steps) {
    if (step.action) {
      action(*step.action);
      continue;
    }
    if (step.apply) {
      line("apply {}", policy_.lists[*step.apply].name);
      continue;
    }
    const Branch& branch = step.branch[0];
    line("when {}{}", text(branch.condition), meterText(branch.meter, branch.within));
    this->block(branch.then);
    if (!branch.otherwise.steps.empty() || branch.otherwise.verdict) {
      line("else");
      this->block(branch.otherwise);
    }
  }
  if (block.verdict)
    line("{}{}", verdictName(*block.verdict), block.redirect ? redirectText(*block.redirect) : "");
  --depth_;
}

void Printer::rule(const Rule& rule) {
  const std::string condition = rule.condition ? " when " + text(*rule.condition) : "";
  line("rule {}{}{}{}", rule.name, formerly(rule.was), condition, meterText(rule.meter, rule.within));
  block(rule.body);
  if (rule.otherwise.steps.empty() && !rule.otherwise.verdict)
    return;
  line("else");
  block(rule.otherwise);
}

// The policy's own list is the rules themselves, unless it applies others.
void Printer::list(const RuleList& list) {
  line("list {}", list.name);
  ++depth_;
  for (const ListItem& item : list.items) {
    const std::string condition = item.condition ? " when " + text(*item.condition) : "";
    if (item.rule)
      line("{}", policy_.rules[*item.rule].name);
    else
      line("apply {}{}", policy_.lists[item.list].name, condition);
  }
  --depth_;
}

std::string elementsText(const abi::KeyType& type, const std::vector<abi::KeyValue>& elements) {
  std::string out;
  for (const abi::KeyValue& element : elements)
    out += (out.empty() ? "" : ", ") + abi::formatKey(type, element);
  return out;
}

void Printer::step(const TestStep& step) {
  switch (step.kind) {
  case TestStepKind::Given:
    return line("given {} = {{ {} }}", policy_.sets[step.id].name,
                elementsText(policy_.sets[step.id].key, step.elements));
  case TestStepKind::Wait:
    return line("wait {}", abi::formatDuration(step.wait_ns));
  case TestStepKind::Has:
  case TestStepKind::Lacks:
    return line("expect {} {} {}", policy_.sets[step.id].name, step.kind == TestStepKind::Has ? "has" : "lacks",
                elementsText(policy_.sets[step.id].key, step.elements));
  case TestStepKind::Event:
    return line("expect event {} {} {}", policy_.events[step.id].name, opText(step.op), step.number);
  case TestStepKind::Hits:
    return line("expect counter {}[{}] {} {}", policy_.sets[step.id].name,
                elementsText(policy_.sets[step.id].key, step.elements), opText(step.op), step.number);
  case TestStepKind::Counter: {
    const bool of_rule = !step.rule.empty();
    const std::string key =
        step.elements.empty() ? "" : "[" + elementsText(policy_.counters[step.id].key_type, step.elements) + "]";
    return line("expect counter {}{} {} {}", of_rule ? step.rule : policy_.counters[step.id].name, key, opText(step.op),
                step.number);
  }
  case TestStepKind::Packet:
    break;
  }
  for (const ExpectedLayer& layer : step.becomes)
    if (layer.header)
      noteHeader(*layer.header);
  std::string hex;
  for (uint8_t byte : step.frame)
    fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  line("expect {}{} times {} ifindex {} queue {} for {}", verdictName(step.verdict),
       step.rule.empty() ? "" : " by " + step.rule, step.times, step.ifindex, step.rx_queue, hex);
}

void Printer::test(const Test& test) {
  line("test \"{}\"", test.title);
  ++depth_;
  for (const TestStep& one : test.steps)
    step(one);
  --depth_;
}

void Printer::header(HeaderId id) {
  const Header& header = policy_.headers[id];
  static const char* const kinds[] = {"header",          "tunnel header", "extension header", "header", "later header",
                                      "optional fields", "option"};
  std::string alternatives;
  for (HeaderId alternative : header.alternatives)
    alternatives += (alternatives.empty() ? " = " : " | ") + policy_.headers[alternative].name;
  line("{} {}{}{}", kinds[static_cast<unsigned>(header.kind)], header.name,
       header.extension_of ? " of " + policy_.headers[*header.extension_of].name : "", alternatives);
  ++depth_;
  for (const Field& field : header.fields) {
    if (field.derived)
      line("{}: {} = {}", field.name, typeName(field.type), toText(policy_, *field.derived));
    else if (field.part)
      line("{}: {} not always there", field.name, typeName(field.type));
    else if (header.alternatives.empty())
      line("{}: {} bit {}", field.name, typeName(field.type), field.bit_offset);
    else
      line("{}: {}", field.name, typeName(field.type));
  }
  if (header.alternatives.empty())
    line("size {}", header.size ? toText(policy_, *header.size) : fmt::format("{}", header.min_size));
  if (header.when)
    line("when {}", toText(policy_, *header.when));
  if (header.start)
    line("from byte {}", toText(policy_, *header.start));
  if (header.length)
    line("length {}", toText(policy_, *header.length));
  for (const PayloadBy& payload : header.payload) {
    std::string entries;
    for (const PayloadEntry& entry : payload.entries)
      entries += fmt::format(" {} => {}", entry.value, policy_.headers[entry.next].name);
    line("payload{}{}{}", payload.by ? " by " + header.fields[*payload.by].name : "",
         payload.when ? " when " + toText(policy_, *payload.when) : "", entries);
  }
  --depth_;
}

std::string Printer::run() {
  line("policy {}", policy_.name);
  for (ConstSetId id = 0; id < policy_.const_sets.size(); ++id)
    constSet(id);
  for (const Map& one : policy_.maps)
    map(one);
  for (const Set& one : policy_.sets)
    set(one);
  for (const Meter& one : policy_.meters)
    meter(one);
  for (const Counter& one : policy_.counters)
    counter(one);
  for (const Event& one : policy_.events)
    event(one);
  for (const Rule& one : policy_.rules)
    rule(one);
  if (policy_.lists.size() > 1)
    for (const RuleList& one : policy_.lists)
      list(one);
  for (const OnVerdict& one : policy_.on) {
    line("on {}{}", verdictName(one.verdict), one.condition ? " when " + text(*one.condition) : "");
    ++depth_;
    action(one.emit);
    --depth_;
  }
  for (const Protect& one : policy_.protects)
    line("protect \"{}\" never {} when {}", one.title, verdictName(one.never), text(one.condition));
  for (const Test& one : policy_.tests)
    test(one);
  for (HeaderId id : std::set<HeaderId>(headers_))
    header(id);
  return std::move(out_);
}

} // namespace

std::string toText(const Policy& policy) {
  return Printer(policy).run();
}

} // namespace xdpc::ir
