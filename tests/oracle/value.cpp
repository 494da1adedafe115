// Values of expressions over one packet.
#include "tests/oracle/value.h"

#include <algorithm>

namespace xdpc::oracle {

namespace {

using Kind = ir::ExprKind;
using Op = ir::Op;

unsigned bitAt(std::span<const uint8_t> bytes, size_t bit) {
  return bytes[bit / 8] >> (7 - bit % 8) & 1;
}

// Only the first `bits` bits stay.
abi::Address masked(abi::Address address, unsigned bits) {
  for (unsigned i = bits; i < 128; ++i)
    address.bytes[i / 8] &= static_cast<uint8_t>(~(0x80 >> i % 8));
  return address;
}

ir::u128 addressNumber(const abi::Address& address) {
  ir::u128 number = 0;
  for (unsigned i = 0; i < addressBits(address.family) / 8; ++i)
    number = number << 8 | address.bytes[i];
  return number;
}

// Signed and 64 bits wide; what overflows wraps.
int64_t arithmetic(Op op, int64_t a, int64_t b) {
  const auto left = static_cast<uint64_t>(a), right = static_cast<uint64_t>(b);
  switch (op) {
  case Op::Mul:
    return static_cast<int64_t>(left * right);
  case Op::Add:
    return static_cast<int64_t>(left + right);
  case Op::Sub:
    return static_cast<int64_t>(left - right);
  case Op::Shl:
    return b < 0 || b > 63 ? 0 : static_cast<int64_t>(left << b);
  case Op::Shr:
    return a >> (b < 0 || b > 63 ? 63 : b);
  case Op::BitAnd:
    return a & b;
  case Op::BitXor:
    return a ^ b;
  case Op::BitOr:
    return a | b;
  default:
    throw Unsupported("an operator of arithmetic");
  }
}

template <class T> bool compare(Op op, const T& a, const T& b) {
  switch (op) {
  case Op::Eq:
    return a == b;
  case Op::Ne:
    return a != b;
  case Op::Lt:
    return a < b;
  case Op::Le:
    return a <= b;
  case Op::Gt:
    return a > b;
  case Op::Ge:
    return a >= b;
  default:
    throw Unsupported("an operator that compares");
  }
}

bool within(const ir::Interval& interval, const Value& value) {
  if (!value.address)
    return interval.domain == ir::Domain::number && interval.low <= static_cast<uint64_t>(value.number) &&
           static_cast<uint64_t>(value.number) <= interval.high;
  const bool v4 = value.address->family == abi::Family::v4;
  const ir::u128 number = addressNumber(*value.address);
  return interval.domain == (v4 ? ir::Domain::v4 : ir::Domain::v6) && interval.low <= number && number <= interval.high;
}

class Evaluation {
public:
  Evaluation(const ir::Policy& policy, const Packet& packet, const InSet& in_set)
      : policy_(policy), packet_(packet), in_set_(in_set) {}

  std::optional<Value> value(const ir::Expr& expr) const {
    switch (expr.kind) {
    case Kind::Bool:
    case Kind::Int:
    case Kind::Mac:
      return Value{static_cast<int64_t>(expr.number)};
    case Kind::Address:
      return Value{.address = *expr.address};
    case Kind::Bytes:
      return Value{.bytes = *expr.bytes};
    case Kind::Slice:
      return slice(expr);
    case Kind::Field:
      return field(expr);
    case Kind::Packet:
      return Value{ofFrame(expr.packet)};
    case Kind::PayloadLength:
      return payloadLength(expr);
    case Kind::LastProtocol: {
      const auto place = packet_.find(policy_, expr.header);
      return place && place->protocol_behind ? std::optional(Value{static_cast<int64_t>(*place->protocol_behind)})
                                             : std::nullopt;
    }
    case Kind::Mask: {
      auto inner = value(expr.args[0]);
      if (inner)
        inner->address =
            masked(*inner->address, inner->address->family == abi::Family::v4 ? expr.v4_bits : expr.v6_bits);
      return inner;
    }
    case Kind::Number: {
      const auto inner = value(expr.args[0]);
      if (!inner || !inner->address)
        return inner;
      return Value{static_cast<int64_t>(addressNumber(*inner->address))};
    }
    case Kind::MapValue:
      return mapped(expr);
    case Kind::Arith: {
      const auto left = value(expr.args[0]), right = value(expr.args[1]);
      if (!left || !right)
        return std::nullopt;
      return Value{arithmetic(expr.op, left->number, right->number)};
    }
    default:
      return Value{truth(expr)};
    }
  }

  bool truth(const ir::Expr& expr) const {
    switch (expr.kind) {
    case Kind::Present:
      return packet_.find(policy_, expr.header).has_value();
    case Kind::Compare:
      return compared(expr);
    case Kind::HasBytes:
      return payload(expr).value_or("").size() >= expr.number;
    case Kind::Contains:
      return contains(expr);
    case Kind::InConst:
      return inConst(expr);
    case Kind::InSet:
      return inSet(expr);
    case Kind::MapHas:
      return mapped(expr).has_value();
    case Kind::Not:
      return !truth(expr.args[0]);
    case Kind::And:
      return std::ranges::all_of(expr.args, [this](const ir::Expr& arg) { return truth(arg); });
    case Kind::Or:
      return std::ranges::any_of(expr.args, [this](const ir::Expr& arg) { return truth(arg); });
    case Kind::Bool:
    case Kind::Field:
    case Kind::Packet: {
      const auto bit = value(expr);
      return bit && bit->number != 0;
    }
    default:
      throw Unsupported("a kind of expression");
    }
  }

private:
  std::optional<Value> field(const ir::Expr& expr) const {
    const auto found = locate(policy_, packet_, expr.header, expr.field);
    return found ? read(found->first, found->second) : std::nullopt;
  }

  std::optional<Value> read(const Place& place, ir::FieldId id) const {
    const ir::Field& found = policy_.headers[place.header].fields[id];
    if (found.derived)
      return value(*found.derived);
    if (found.part) {
      const auto part = packet_.find(policy_, found.part->header);
      return part ? read(*part, found.part->field) : std::nullopt;
    }
    if (found.bits == 0) // an option without a value
      return Value{1};
    if (found.type.kind == ir::TypeKind::Ipv4 || found.type.kind == ir::TypeKind::Ipv6)
      return address(place, found);
    return Value{static_cast<int64_t>(fieldBits(packet_, place, found))};
  }

  Value address(const Place& place, const ir::Field& found) const {
    abi::Address address;
    address.family = found.bits == 32 ? abi::Family::v4 : abi::Family::v6;
    for (unsigned i = 0; i < found.bits; ++i)
      if (bitAt(packet_.frame, place.offset * 8 + found.bit_offset + i))
        address.bytes[i / 8] |= static_cast<uint8_t>(0x80 >> i % 8);
    return Value{.address = address};
  }

  int64_t ofFrame(ir::PacketField field) const {
    switch (field) {
    case ir::PacketField::Len:
      return static_cast<int64_t>(packet_.length);
    case ir::PacketField::Ifindex:
      return packet_.ifindex;
    case ir::PacketField::RxQueue:
      return packet_.rx_queue;
    case ir::PacketField::Malformed:
      return packet_.malformed;
    case ir::PacketField::Unparsed:
      return packet_.unparsed;
    default:
      throw Unsupported("a field of `pkt`");
    }
  }

  // What is behind the header up to IP's length.
  std::optional<Value> payloadLength(const ir::Expr& expr) const {
    const auto place = packet_.find(policy_, expr.header);
    if (!place || !place->ip_end)
      return std::nullopt;
    return Value{
        std::max<int64_t>(0, static_cast<int64_t>(*place->ip_end) - static_cast<int64_t>(place->offset + place->size))};
  }

  // Behind the header up to where IP ends or the frame does.
  std::optional<std::string> payload(const ir::Expr& expr) const {
    const auto place = packet_.find(policy_, expr.header);
    if (!place)
      return std::nullopt;
    const size_t end = std::min(packet_.frame.size(), place->ip_end.value_or(packet_.frame.size()));
    const size_t start = place->offset + place->size;
    return start < end ? std::string(packet_.frame.begin() + static_cast<ptrdiff_t>(start),
                                     packet_.frame.begin() + static_cast<ptrdiff_t>(end))
                       : std::string();
  }

  // Absent where it is not wholly there.
  std::optional<Value> slice(const ir::Expr& expr) const {
    const auto whole = payload(expr);
    const size_t bytes = expr.type.bits / 8;
    if (!whole || expr.number + bytes > whole->size())
      return std::nullopt;
    std::string part = whole->substr(expr.number, bytes);
    if (expr.type.kind == ir::TypeKind::Bytes)
      return Value{.bytes = std::move(part)};
    uint64_t number = 0;
    for (const char byte : part)
      number = number << 8 | static_cast<uint8_t>(byte);
    return Value{static_cast<int64_t>(number)};
  }

  bool contains(const ir::Expr& expr) const {
    const ir::PatternSet& set = policy_.patterns[expr.id];
    const std::string looked = payload(expr).value_or("").substr(0, set.within);
    return std::ranges::any_of(set.patterns,
                               [&](const std::string& pattern) { return looked.find(pattern) != std::string::npos; });
  }

  bool compared(const ir::Expr& expr) const {
    const auto left = value(expr.args[0]), right = value(expr.args[1]);
    if (!left || !right)
      return false;
    if (left->address || right->address)
      return compare(expr.op, left->address == right->address, true);
    if (!left->bytes.empty() || !right->bytes.empty())
      return compare(expr.op, left->bytes, right->bytes);
    return compare(expr.op, left->number, right->number);
  }

  std::optional<std::vector<Value>> all(const std::vector<ir::Expr>& exprs) const {
    std::vector<Value> values;
    for (const ir::Expr& expr : exprs) {
      const auto one = value(expr);
      if (!one)
        return std::nullopt;
      values.push_back(*one);
    }
    return values;
  }

  bool inConst(const ir::Expr& expr) const {
    const auto values = all(expr.args);
    return values && std::ranges::any_of(policy_.const_sets[expr.id].elements, [&](const auto& element) {
             return std::ranges::equal(element, *values, within);
           });
  }

  // A key that is not in the map has no value.
  std::optional<Value> mapped(const ir::Expr& expr) const {
    const auto values = all(expr.args);
    if (!values)
      return std::nullopt;
    const ir::Map& map = policy_.maps[expr.id];
    for (const ir::MapEntry& entry : map.entries)
      if (std::ranges::equal(entry.key, *values, within))
        return map.value.kind == ir::TypeKind::Ipv4 || map.value.kind == ir::TypeKind::Ipv6
                   ? Value{.address = entry.address}
                   : Value{static_cast<int64_t>(entry.number)};
    return std::nullopt;
  }

  bool inSet(const ir::Expr& expr) const {
    const auto key = makeKey(policy_, packet_, expr.args, policy_.sets[expr.id].key);
    return key && in_set_(expr.id, *key);
  }

  const ir::Policy& policy_;
  const Packet& packet_;
  const InSet& in_set_;
};

abi::KeyPart toKeyPart(const Value& value, const ir::Expr& expr, abi::KeyKind kind) {
  if (value.address) {
    const bool v4 = value.address->family == abi::Family::v4;
    unsigned length = v4 ? 32 : 128;
    if (abi::isPrefix(kind) && expr.kind == Kind::Mask)
      length = v4 ? expr.v4_bits : expr.v6_bits;
    return abi::Prefix{*value.address, static_cast<uint8_t>(length)};
  }
  if (kind != abi::KeyKind::Mac)
    return static_cast<uint64_t>(value.number);
  abi::Mac mac;
  for (unsigned i = 0; i < 6; ++i)
    mac.bytes[i] = static_cast<uint8_t>(value.number >> (40 - 8 * i));
  return mac;
}

} // namespace

std::optional<Value> evaluate(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr,
                              const InSet& in_set) {
  return Evaluation(policy, packet, in_set).value(expr);
}

bool holds(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr, const InSet& in_set) {
  return Evaluation(policy, packet, in_set).truth(expr);
}

std::optional<std::pair<Place, ir::FieldId>> locate(const ir::Policy& policy, const Packet& packet, ir::HeaderId header,
                                                    ir::FieldId field) {
  const ir::Header& named = policy.headers[header];
  if (named.alternatives.empty()) {
    const auto place = packet.find(policy, header);
    return place ? std::optional(std::pair(*place, field)) : std::nullopt;
  }
  for (size_t i = 0; i < named.alternatives.size(); ++i)
    if (const auto found = locate(policy, packet, named.alternatives[i], named.fields[field].alternatives[i]))
      return found;
  return std::nullopt;
}

uint64_t fieldBits(const Packet& packet, const Place& place, const ir::Field& field) {
  const size_t start = (place.offset + (field.ahead ? place.size : 0)) * 8 + field.bit_offset;
  uint64_t value = 0;
  for (unsigned i = 0; i < field.bits; ++i)
    value = value << 1 | bitAt(packet.frame, start + i);
  return value;
}

std::optional<abi::KeyPart> makeKeyPart(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr,
                                        abi::KeyKind kind) {
  const auto value = evaluate(policy, packet, expr);
  return value ? std::optional(toKeyPart(*value, expr, kind)) : std::nullopt;
}

std::optional<abi::KeyValue> makeKey(const ir::Policy& policy, const Packet& packet, const std::vector<ir::Expr>& exprs,
                                     const abi::KeyType& type) {
  abi::KeyValue key;
  for (size_t i = 0; i < exprs.size(); ++i) {
    const auto part = makeKeyPart(policy, packet, exprs[i], type.parts[i]);
    if (!part)
      return std::nullopt;
    key.push_back(*part);
  }
  return key;
}

} // namespace xdpc::oracle
