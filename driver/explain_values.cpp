// Adds (number, value) to one of three sets, by the kind of the value.
#include "driver/explain_values.h"
#include "compiler/plan/visit.h"
#include "driver/test_runner.h"
#include "runtime/sets/sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace xdpc::driver {

namespace {

constexpr size_t kMostNamed = 4; // in one line

struct Kept {
  const char* set;
  abi::KeyKind kind;
};
constexpr Kept kKept[] = {{"explain.numbers", abi::KeyKind::U64},
                          {"explain.addresses", abi::KeyKind::Ip},
                          {"explain.macs", abi::KeyKind::Mac}};

size_t keptIn(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Ip:
  case ir::TypeKind::Ipv4:
  case ir::TypeKind::Ipv6:
    return 1;
  case ir::TypeKind::Mac:
    return 2;
  default:
    return 0;
  }
}

bool isValue(const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Field:
  case ir::ExprKind::Packet:
  case ir::ExprKind::PayloadLength:
  case ir::ExprKind::LastProtocol:
  case ir::ExprKind::Mask:
  case ir::ExprKind::Number:
  case ir::ExprKind::Arith:
  case ir::ExprKind::MapValue:
  case ir::ExprKind::Present:
    return true;
  case ir::ExprKind::Slice:
    return expr.type.bits <= 64;
  default:
    return false;
  }
}

template <class Visit> void visitValues(const ir::Expr& expr, const Visit& visit) {
  if (isValue(expr) && expr.span.file)
    return visit(expr);
  for (const ir::Expr& arg : expr.args)
    visitValues(arg, visit);
}

std::string keyOf(const ir::Expr& value) {
  return fmt::format("{}{}", value.kind == ir::ExprKind::Present ? fmt::format("{}: ", value.header) : "",
                     value.span.text());
}

// The bytes as in a policy, where they can be read.
std::string quotedBytes(uint64_t number, unsigned bits) {
  std::string text = "\"";
  for (unsigned at = bits; at > 0; at -= 8) {
    const auto byte = static_cast<unsigned char>(number >> (at - 8));
    const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    text += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("\\x{:02x}", byte);
  }
  return text + "\"";
}

// `payload[0:4]`, which compares as a number, too.
bool isBytes(const ir::Expr& value) {
  const std::string_view text = value.span.text();
  return value.kind == ir::ExprKind::Slice &&
         (value.type.kind == ir::TypeKind::Bytes || (text.ends_with("]") && text.find(':') != text.npos));
}

std::string valueText(const ir::Expr& value, const Kept& kept, abi::KeyPart part) {
  if (isBytes(value))
    return quotedBytes(std::get<uint64_t>(part), value.type.bits);
  if (auto* masked = std::get_if<abi::Prefix>(&part)) // what is left of an address is named like one
    masked->length = static_cast<uint8_t>(abi::addressBits(masked->address.family));
  return abi::formatKey({{kept.kind}}, {part});
}

} // namespace

ExplainedValues::ExplainedValues(const ir::Policy& policy, const std::set<ir::RuleId>& rules) : policy_(policy) {
  if (policy.sets.size() + std::size(kKept) > abi::kMaxSets)
    return;
  for (ir::RuleId rule : rules)
    if (const auto& condition = policy.rules[rule].condition)
      collect(*condition);
}

void ExplainedValues::collect(const ir::Expr& expr) {
  visitValues(expr, [&](const ir::Expr& value) {
    if (numbers_.try_emplace(keyOf(value), values_.size()).second)
      values_.push_back(&value);
  });
}

void ExplainedValues::addTo(ir::Policy& asking) const {
  const auto first = static_cast<uint32_t>(asking.sets.size());
  for (const Kept& kept : kKept) {
    ir::Set set;
    set.name = kept.set;
    set.key = {{abi::KeyKind::U32, kept.kind}};
    set.capacity = static_cast<uint32_t>(values_.size() + 1);
    set.added_by_policy = set.used = true;
    set.span = asking.span;
    asking.sets.push_back(std::move(set));
  }
  for (size_t number = 0; number < values_.size(); ++number) {
    const ir::Expr& value = *values_[number];
    ir::Expr tag;
    tag.kind = ir::ExprKind::Int;
    tag.type = {ir::TypeKind::Int, 32};
    tag.number = number;
    ir::Rule rule;
    rule.name = fmt::format("#value{}", number);
    rule.span = rule.name_span = value.span;
    ir::Action add{.kind = ir::ActionKind::Add, .id = first + static_cast<uint32_t>(keptIn(value.type))};
    add.key = {tag, value};
    if (value.kind != ir::ExprKind::Present)
      add.needs = plan::headersOf({value});
    add.duration_ns = abi::kNever;
    add.span = value.span;
    rule.body.steps.emplace_back().action = std::move(add);
    asking.rules.push_back(std::move(rule));
  }
}

void ExplainedValues::read(const engine::Maps& maps, const abi::Manifest& manifest) {
  for (const Kept& kept : kKept) {
    const abi::Set* set = sets::findSet(manifest, kept.set);
    const auto elements = set ? sets::list(maps, manifest, *set, kTestClockStart)
                              : Result<std::vector<sets::Element>, sets::SetError>(std::vector<sets::Element>());
    if (!elements)
      continue; // what is said is then shorter
    for (const sets::Element& element : *elements) {
      const size_t number = std::get<uint64_t>(element.key[0]);
      read_[number] = valueText(*values_.at(number), kept, element.key[1]);
    }
  }
}

std::string ExplainedValues::textOf(const ir::Expr& value) const {
  const auto number = numbers_.find(keyOf(value));
  if (number == numbers_.end())
    return {};
  const auto read = read_.find(number->second);
  const auto header = [&](ir::HeaderId id) { return fmt::format("no `{}` header", policy_.headers[id].name); };
  if (value.kind == ir::ExprKind::Present)
    return read != read_.end() && read->second == "0" ? header(value.header) : std::string();
  if (read != read_.end())
    return fmt::format("{} is {}", value.span.text(), read->second);
  const auto needed = plan::headersOf({value});
  return needed.size() == 1 && value.kind == ir::ExprKind::Field ? header(needed[0])
                                                                 : fmt::format("no `{}`", value.span.text());
}

std::string ExplainedValues::textFor(const ir::Expr& condition) const {
  std::vector<std::string> texts;
  visitValues(condition, [&](const ir::Expr& value) {
    const std::string text = textOf(value);
    if (!text.empty() && texts.size() < kMostNamed && std::ranges::count(texts, text) == 0)
      texts.push_back(text);
  });
  return fmt::format("{}", fmt::join(texts, ", "));
}

} // namespace xdpc::driver
