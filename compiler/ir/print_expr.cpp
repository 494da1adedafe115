// Prints expressions and types of the IR: every operator in brackets, presence as `present(tcp)`. Entry points: toText
// of an Expr, typeName. Tested by tests/unit/sema/ir_test.cpp.
#include "compiler/ir/print.h"
#include "runtime/abi/mac_number.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::ir {

namespace {

// Text where all of it can be shown, else x"16 03".
std::string bytesText(const std::string& bytes) {
  const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (std::ranges::all_of(bytes, plain))
    return fmt::format("\"{}\"", bytes);
  std::string digits;
  for (const char byte : bytes)
    digits += fmt::format("{}{:02x}", digits.empty() ? "" : " ", static_cast<uint8_t>(byte));
  return fmt::format("x\"{}\"", digits);
}

std::string list(const Policy& policy, const std::vector<Expr>& args, const char* separator) {
  std::string out;
  for (const Expr& arg : args)
    out += (out.empty() ? "" : separator) + toText(policy, arg);
  return out;
}

std::string keyText(const Policy& policy, const std::vector<Expr>& args) {
  std::string inner = list(policy, args, ", ");
  return args.size() == 1 ? inner : "(" + inner + ")";
}

std::string constSetText(const Policy& policy, ConstSetId id) {
  const std::string& name = policy.const_sets[id].name;
  return name.empty() ? fmt::format("const#{}", id) : fmt::format("const#{} {}", id, name);
}

std::string maskText(const Policy& policy, const Expr& expr) {
  const std::string inner = toText(policy, expr.args[0]);
  switch (expr.type.kind) {
  case TypeKind::Ipv4:
    return fmt::format("{}/{}", inner, expr.v4_bits);
  case TypeKind::Ipv6:
    return fmt::format("{}/{}", inner, expr.v6_bits);
  default:
    return fmt::format("{}/{}/{}", inner, expr.v4_bits, expr.v6_bits);
  }
}

const char* packetFieldName(PacketField field) {
  switch (field) {
  case PacketField::Len:
    return "pkt.len";
  case PacketField::Ifindex:
    return "pkt.ifindex";
  case PacketField::RxQueue:
    return "pkt.rx_queue";
  case PacketField::Malformed:
    return "pkt.malformed";
  case PacketField::Unparsed:
    return "pkt.unparsed";
  }
  return "pkt.?";
}

std::string sliceText(const Policy& policy, const Expr& expr) {
  const std::string& header = policy.headers[expr.header].name;
  if (expr.type.bits == 8)
    return fmt::format("{}.payload[{}]", header, expr.number);
  return fmt::format("{}.payload[{}:{}]", header, expr.number, expr.number + expr.type.bits / 8);
}

std::string containsText(const Policy& policy, const Expr& expr) {
  const PatternSet& set = policy.patterns[expr.id];
  std::string patterns;
  for (const std::string& pattern : set.patterns)
    patterns += (patterns.empty() ? "" : ", ") + bytesText(pattern);
  return fmt::format("({}.payload contains {{ {} }} within {})", policy.headers[expr.header].name, patterns,
                     set.within);
}

std::string binaryText(const Policy& policy, const Expr& expr) {
  return fmt::format("({} {} {})", toText(policy, expr.args[0]), opText(expr.op), toText(policy, expr.args[1]));
}

// A field that is not always there is in a header of its own, which nobody writes.
std::string fieldText(const Policy& policy, const Expr& expr) {
  const Header& header = policy.headers[expr.header];
  const bool part = header.kind == HeaderKind::part || header.kind == HeaderKind::option;
  return (part ? policy.headers[header.of] : header).name + "." + header.fields[expr.field].name;
}

std::string leafText(const Policy& policy, const Expr& expr) {
  switch (expr.kind) {
  case ExprKind::Bool:
    return expr.number ? "true" : "false";
  case ExprKind::Int:
    return expr.type.bits == 64 ? fmt::format("{}", static_cast<int64_t>(expr.number)) : fmt::format("{}", expr.number);
  case ExprKind::Address:
    return abi::toString(*expr.address);
  case ExprKind::Mac:
    return abi::toString(abi::macOf(expr.number));
  case ExprKind::Bytes:
    return bytesText(*expr.bytes);
  case ExprKind::Field:
    return fieldText(policy, expr);
  case ExprKind::Packet:
    return packetFieldName(expr.packet);
  case ExprKind::PayloadLength:
    return policy.headers[expr.header].name + ".payload_len";
  case ExprKind::Payload:
    return policy.headers[expr.header].name + ".payload";
  case ExprKind::HasBytes:
    return fmt::format("has_bytes({}.payload, {})", policy.headers[expr.header].name, expr.number);
  case ExprKind::Slice:
    return sliceText(policy, expr);
  case ExprKind::Contains:
    return containsText(policy, expr);
  case ExprKind::LastProtocol:
    return fmt::format("last_protocol({})", policy.headers[expr.header].name);
  case ExprKind::Present:
    return fmt::format("present({})", policy.headers[expr.header].name);
  default:
    return "?";
  }
}

} // namespace

const char* opText(Op op) {
  static const char* const texts[] = {"*", "+", "-", "<<", ">>", "&", "^", "|", "==", "!=", "<", "<=", ">", ">="};
  return texts[static_cast<unsigned>(op)];
}

std::string typeName(const Type& type) {
  switch (type.kind) {
  case TypeKind::Bool:
    return "bool";
  case TypeKind::Int:
    return type.port ? "port" : fmt::format("u{}", type.bits);
  case TypeKind::Ip:
    return "ip";
  case TypeKind::Ipv4:
    return "ipv4";
  case TypeKind::Ipv6:
    return "ipv6";
  case TypeKind::Mac:
    return "mac";
  case TypeKind::Bytes:
    return "bytes";
  }
  return "?";
}

std::string typeName(const std::vector<Type>& parts) {
  if (parts.size() == 1)
    return typeName(parts[0]);
  std::string inner;
  for (const Type& part : parts)
    inner += (inner.empty() ? "" : ", ") + typeName(part);
  return "(" + inner + ")";
}

std::string toText(const Policy& policy, const Expr& expr) {
  switch (expr.kind) {
  case ExprKind::Mask:
    return maskText(policy, expr);
  case ExprKind::Number:
    return fmt::format("{}({})", typeName(expr.type), toText(policy, expr.args[0]));
  case ExprKind::Arith:
  case ExprKind::Compare:
    return binaryText(policy, expr);
  case ExprKind::InConst:
    return fmt::format("({} in {})", keyText(policy, expr.args), constSetText(policy, expr.id));
  case ExprKind::InSet:
    return fmt::format("({} in {})", keyText(policy, expr.args), policy.sets[expr.id].name);
  case ExprKind::MapHas:
    return fmt::format("({} in {})", keyText(policy, expr.args), policy.maps[expr.id].name);
  case ExprKind::MapValue:
    return fmt::format("{}[{}]", policy.maps[expr.id].name, list(policy, expr.args, ", "));
  case ExprKind::ExternCall:
    return fmt::format("{}({})", policy.externs[expr.id].name, list(policy, expr.args, ", "));
  case ExprKind::Not:
    return "not " + toText(policy, expr.args[0]);
  case ExprKind::And:
    return "(" + list(policy, expr.args, " and ") + ")";
  case ExprKind::Or:
    return "(" + list(policy, expr.args, " or ") + ")";
  default:
    return leafText(policy, expr);
  }
}

} // namespace xdpc::ir
