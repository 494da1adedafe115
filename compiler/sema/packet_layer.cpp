// Reads and writes fields by their declared place. Tested by tests/unit/sema/packet_test.cpp.
#include "compiler/sema/packet_layer.h"

#include <algorithm>

namespace xdpc::sema {

namespace {

int64_t arithmetic(ir::Op op, int64_t a, int64_t b) {
  const auto left = static_cast<uint64_t>(a), right = static_cast<uint64_t>(b);
  switch (op) {
  case ir::Op::Mul:
    return static_cast<int64_t>(left * right);
  case ir::Op::Add:
    return static_cast<int64_t>(left + right);
  case ir::Op::Sub:
    return static_cast<int64_t>(left - right);
  case ir::Op::Shl:
    return static_cast<int64_t>(left << (right & 63));
  case ir::Op::Shr:
    return a >> (right & 63);
  case ir::Op::BitAnd:
    return a & b;
  case ir::Op::BitXor:
    return a ^ b;
  default:
    return a | b;
  }
}

bool compare(ir::Op op, int64_t a, int64_t b) {
  switch (op) {
  case ir::Op::Eq:
    return a == b;
  case ir::Op::Ne:
    return a != b;
  case ir::Op::Lt:
    return a < b;
  case ir::Op::Le:
    return a <= b;
  case ir::Op::Gt:
    return a > b;
  default:
    return a >= b;
  }
}

} // namespace

uint64_t getBits(std::span<const uint8_t> bytes, const ir::Field& field) {
  uint64_t value = 0;
  for (uint32_t bit = field.bit_offset; bit < field.bit_offset + field.bits; ++bit)
    value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
  return value;
}

void setBits(std::span<uint8_t> bytes, const ir::Field& field, uint64_t value) {
  for (uint32_t i = 0; i < field.bits; ++i) {
    const uint32_t bit = field.bit_offset + field.bits - 1 - i;
    const auto mask = static_cast<uint8_t>(1u << (7 - bit % 8));
    if (i < 64 && (value >> i & 1))
      bytes[bit / 8] |= mask;
    else
      bytes[bit / 8] &= static_cast<uint8_t>(~mask);
  }
}

std::vector<std::pair<ir::FieldId, const ir::PayloadBy*>> selectorsOf(const ir::Policy& policy, ir::HeaderId id) {
  std::vector<std::pair<ir::FieldId, const ir::PayloadBy*>> out;
  const ir::Header& header = policy.headers[id];
  for (const ir::PayloadBy& own : header.payload) {
    if (!own.by)
      continue;
    if (!header.extension_of)
      out.push_back({*own.by, &own});
    else
      for (const ir::PayloadBy& table : policy.headers[*header.extension_of].payload)
        out.push_back({*own.by, &table});
  }
  return out;
}

namespace {

int64_t fieldOf(const ir::Policy& policy, const Layer& layer, const ir::Expr& expr) {
  ir::Field field = policy.headers[expr.header].fields[expr.field];
  const auto part = layer.parts.find(expr.header);
  if (field.bits > 64 || (layer.header != expr.header && part == layer.parts.end()))
    return 0;
  if (part != layer.parts.end())
    field.bit_offset += static_cast<uint32_t>(8 * part->second);
  return static_cast<int64_t>(getBits(layer.bytes, field));
}

bool isPartOf(const ir::Policy& policy, ir::HeaderId part, const Layer& layer) {
  return policy.headers[part].kind == ir::HeaderKind::part && policy.headers[part].of == layer.header;
}

} // namespace

int64_t evaluate(const ir::Policy& policy, const Layer& layer, const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Int:
    return static_cast<int64_t>(expr.number);
  case ir::ExprKind::Field:
    return fieldOf(policy, layer, expr);
  case ir::ExprKind::Present:
    return !isPartOf(policy, expr.header, layer) || layer.parts.contains(expr.header);
  case ir::ExprKind::Not:
    return !evaluate(policy, layer, expr.args[0]);
  case ir::ExprKind::And:
    return std::ranges::all_of(expr.args, [&](const ir::Expr& arg) { return evaluate(policy, layer, arg) != 0; });
  case ir::ExprKind::Or:
    return std::ranges::any_of(expr.args, [&](const ir::Expr& arg) { return evaluate(policy, layer, arg) != 0; });
  case ir::ExprKind::Compare:
    return compare(expr.op, evaluate(policy, layer, expr.args[0]), evaluate(policy, layer, expr.args[1]));
  case ir::ExprKind::Number:
    return evaluate(policy, layer, expr.args[0]);
  case ir::ExprKind::Arith:
    return arithmetic(expr.op, evaluate(policy, layer, expr.args[0]), evaluate(policy, layer, expr.args[1]));
  default:
    return 0;
  }
}

void satisfy(const ir::Policy& policy, Layer& layer, const ir::Expr& when) {
  if (when.kind == ir::ExprKind::And)
    for (const ir::Expr& arg : when.args)
      satisfy(policy, layer, arg);
  if (when.kind == ir::ExprKind::Or)
    for (const ir::Expr& arg : when.args)
      if (!evaluate(policy, layer, when))
        satisfy(policy, layer, arg);
  const bool negated = when.kind == ir::ExprKind::Not;
  const ir::Expr& bit = negated ? when.args[0] : when;
  if (bit.kind != ir::ExprKind::Field || bit.header != layer.header || layer.given[bit.field])
    return;
  setBits(layer.bytes, policy.headers[bit.header].fields[bit.field], !negated);
}

namespace {

// Of the value of the first option of this number and length, in bytes from the header's start. 0 ends them, 1 fills a
// byte.
std::optional<size_t> optionPlace(const ir::Policy& policy, const Layer& layer, const ir::Header& option) {
  const ir::Header& header = policy.headers[*layer.header];
  const int64_t size = header.size ? evaluate(policy, layer, *header.size) : header.min_size;
  const size_t end = std::min(layer.bytes.size(), static_cast<size_t>(std::max<int64_t>(size, 0)));
  for (size_t at = header.min_size; at + 1 < end && layer.bytes[at] != 0;) {
    const size_t bytes = layer.bytes[at] == 1 ? 1 : layer.bytes[at + 1];
    if (bytes == 0 || at + bytes > end)
      return std::nullopt;
    if (layer.bytes[at] == option.option && bytes == option.min_size + 2)
      return at + 2;
    at += bytes;
  }
  return std::nullopt;
}

} // namespace

void findParts(const ir::Policy& policy, Layer& layer) {
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id) {
    const ir::Header& part = policy.headers[id];
    if (!isPartOf(policy, id, layer) || (part.when && !evaluate(policy, layer, *part.when)))
      continue;
    const int64_t start = evaluate(policy, layer, *part.start);
    if (start >= 0 && static_cast<size_t>(start) + part.min_size <= layer.bytes.size())
      layer.parts[id] = static_cast<size_t>(start);
  }
}

std::optional<ir::Field> placed(const ir::Policy& policy, const Layer& layer, ir::FieldId id) {
  ir::Field field = policy.headers[*layer.header].fields[id];
  if (!field.part)
    return field;
  const ir::Header& part = policy.headers[field.part->header];
  std::optional<size_t> start;
  if (part.kind == ir::HeaderKind::option)
    start = optionPlace(policy, layer, part);
  else if (!part.when || evaluate(policy, layer, *part.when))
    start = static_cast<size_t>(evaluate(policy, layer, *part.start));
  field.bit_offset = static_cast<uint32_t>(8 * start.value_or(0)) + part.fields[field.part->field].bit_offset;
  if (!start || (field.bit_offset + field.bits + 7) / 8 > layer.bytes.size())
    return std::nullopt;
  return field;
}

const ir::Expr* lengthField(const ir::Expr& expr, ir::HeaderId own) {
  if (expr.kind == ir::ExprKind::Field && expr.header == own)
    return &expr;
  for (const ir::Expr& arg : expr.args)
    if (const ir::Expr* found = lengthField(arg, own))
      return found;
  return nullptr;
}

} // namespace xdpc::sema
