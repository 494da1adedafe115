// Lowers expressions that have a value.
#include "compiler/lower/value.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/extern.h"
#include "compiler/lower/map.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/payload.h"

#include <llvm/IR/Intrinsics.h>

#include <bit>

namespace xdpc::lower {
namespace {

llvm::Value* swapBytes(Builder& b, llvm::Value* value) {
  return value->getType()->getIntegerBitWidth() == 8 ? value : b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, value);
}

llvm::Value* loadBigEndian(Builder& b, llvm::Value* base, uint64_t offset, unsigned bytes) {
  return b.CreateZExt(swapBytes(b, b.loadAt(base, offset, bytes)), b.getInt64Ty());
}

} // namespace

// From the bytes that cover it.
llvm::Value* loadNumber(Builder& b, llvm::Value* base, const ir::Field& field) {
  const BitPlace place = placeOf(field);
  llvm::Value* value = loadBytes(b, base, place.first, place.count);
  if (place.behind)
    value = b.CreateLShr(value, place.behind);
  if (place.lead)
    value = b.CreateAnd(value, (uint64_t{1} << field.bits) - 1);
  return value;
}

namespace {

Value loadField(Builder& b, const Packet& packet, const ir::Expr& expr) {
  auto found = packet.find(b.policy(), expr.header, expr.field);
  const ir::Field& field = b.policy().headers[found->id].fields[found->field];
  if (field.derived)
    return field.type.kind == ir::TypeKind::Bool
               ? Value{.low = b.CreateZExt(lowerBool(b, packet, *field.derived), b.getInt64Ty())}
               : lowerValue(b, packet, *field.derived);
  llvm::Value* base = baseOf(b, *found);
  if (field.bits == 128)
    return {Value::Kind::v6, loadBigEndian(b, base, field.bit_offset / 8 + 8, 8),
            loadBigEndian(b, base, field.bit_offset / 8, 8), 128};
  if (field.type.kind == ir::TypeKind::Ipv4)
    return {Value::Kind::v4, swapBytes(b, b.loadAt(base, field.bit_offset / 8, 4)), nullptr, 32};
  return {.low = loadNumber(b, base, field)};
}

Value constantAddress(Builder& b, const abi::Address& address) {
  uint64_t words[2] = {0, 0};
  for (unsigned i = 0; i < 16; ++i)
    words[i / 8] = words[i / 8] << 8 | address.bytes[i];
  if (address.family == abi::Family::v4)
    return {Value::Kind::v4, b.u32(words[0] >> 32), nullptr, 32};
  return {Value::Kind::v6, b.u64(words[1]), b.u64(words[0]), 128};
}

llvm::Value* packetField(Builder& b, const Packet& packet, ir::PacketField field) {
  switch (field) {
  case ir::PacketField::Len:
    return b.length;
  case ir::PacketField::Ifindex:
    return b.CreateZExt(b.fromContext(12, offsetof(abi::TestState, ifindex)), b.getInt64Ty());
  case ir::PacketField::RxQueue:
    return b.CreateZExt(b.fromContext(16, offsetof(abi::TestState, rx_queue)), b.getInt64Ty());
  case ir::PacketField::Malformed:
    return packet.malformed;
  case ir::PacketField::Unparsed:
    return packet.unparsed;
  }
  return b.u64(0);
}

// Up to IP's length, or the frame's where there is no IP; zero where IP says that it ends before.
llvm::Value* payloadLength(Builder& b, const Packet& packet, ir::HeaderId id) {
  auto found = packet.find(b.policy(), id);
  llvm::Value* start = endOf(b, packet, *found);
  llvm::Value* end = packet.ipEnd(b.policy().headers[found->id].packet);
  if (b.program().headers[found->id].before_ip)
    end = b.CreateSelect(b.CreateICmpEQ(end, b.u64(0)), b.length, end);
  llvm::Value* bytes = b.CreateSub(end, start);
  return b.CreateSelect(b.CreateICmpSGT(bytes, b.u64(0)), bytes, b.u64(0));
}

llvm::Value* arithmetic(Builder& b, ir::Op op, llvm::Value* left, llvm::Value* right) {
  switch (op) {
  case ir::Op::Mul:
    return b.CreateMul(left, right);
  case ir::Op::Add:
    return b.CreateAdd(left, right);
  case ir::Op::Sub:
    return b.CreateSub(left, right);
  case ir::Op::Shl: // a shift beyond the width gives zero, as on paper
    return b.CreateSelect(b.CreateICmpULT(right, b.u64(64)), b.CreateShl(left, b.CreateAnd(right, b.u64(63))),
                          b.u64(0));
  case ir::Op::Shr:
    return b.CreateAShr(left, b.CreateSelect(b.CreateICmpULT(right, b.u64(64)), right, b.u64(63)));
  case ir::Op::BitAnd:
    return b.CreateAnd(left, right);
  case ir::Op::BitXor:
    return b.CreateXor(left, right);
  default:
    return b.CreateOr(left, right);
  }
}

} // namespace

// One load where a power of two of bytes is wanted, else the largest one and the rest.
llvm::Value* loadBytes(Builder& b, llvm::Value* base, uint64_t offset, unsigned bytes) {
  const unsigned first = std::bit_floor(bytes), rest = bytes - first;
  llvm::Value* value = loadBigEndian(b, base, offset, first);
  return rest ? b.CreateOr(b.CreateShl(value, rest * 8), loadBytes(b, base, offset + first, rest)) : value;
}

BitPlace placeOf(const ir::Field& field) {
  BitPlace place;
  place.first = field.bit_offset / 8;
  place.lead = field.bit_offset % 8;
  place.count = (place.lead + field.bits + 7) / 8;
  place.behind = place.count * 8 - place.lead - field.bits;
  return place;
}

void storeBytes(Builder& b, llvm::Value* base, uint64_t first, unsigned count, llvm::Value* number) {
  const unsigned front = std::bit_floor(count), rest = count - front;
  llvm::Value* high = rest ? b.CreateLShr(number, rest * 8) : number;
  b.CreateAlignedStore(swapBytes(b, b.CreateTrunc(high, b.getIntNTy(front * 8))), b.at(base, first),
                       llvm::Align(front));
  if (rest)
    storeBytes(b, base, first + front, rest, number);
}

Value maskAddress(Builder& b, const Value& value, unsigned bits) {
  auto high_bits = [](unsigned count) { return count == 0 ? 0 : ~uint64_t{0} << (64 - count); };
  if (value.kind == Value::Kind::v4)
    return {value.kind, b.CreateAnd(value.low, b.u32(high_bits(bits) >> 32)), nullptr, static_cast<uint8_t>(bits)};
  return {value.kind, b.CreateAnd(value.low, b.u64(bits > 64 ? high_bits(bits - 64) : 0)),
          b.CreateAnd(value.high, b.u64(high_bits(bits < 64 ? bits : 64))), static_cast<uint8_t>(bits)};
}

Value lowerValue(Builder& b, const Packet& packet, const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Bool:
  case ir::ExprKind::Int:
  case ir::ExprKind::Mac:
    return {.low = b.u64(expr.number)};
  case ir::ExprKind::Address:
    return constantAddress(b, *expr.address);
  case ir::ExprKind::Field:
    return loadField(b, packet, expr);
  case ir::ExprKind::Packet:
    return {.low = packetField(b, packet, expr.packet)};
  case ir::ExprKind::PayloadLength:
    return {.low = payloadLength(b, packet, expr.header)};
  case ir::ExprKind::Slice:
    return {.low = loadSlice(b, expr)};
  case ir::ExprKind::LastProtocol:
    return {.low = packet.lastProtocol(b.policy().headers[expr.header].packet)};
  case ir::ExprKind::ExternCall:
    return {.low = lowerExternCall(b, packet, expr)};
  case ir::ExprKind::MapValue:
    return lowerMapValue(b, packet, expr);
  case ir::ExprKind::Mask: {
    Value value = lowerValue(b, packet, expr.args[0]);
    return maskAddress(b, value, value.kind == Value::Kind::v4 ? expr.v4_bits : expr.v6_bits);
  }
  case ir::ExprKind::Number: {
    Value value = lowerValue(b, packet, expr.args[0]);
    llvm::Value* number = value.kind == Value::Kind::v4 ? b.CreateZExt(value.low, b.getInt64Ty()) : value.low;
    if (expr.type.kind == ir::TypeKind::Int && expr.type.bits < 64)
      number = b.CreateAnd(number, (uint64_t{1} << expr.type.bits) - 1);
    return {.low = number};
  }
  case ir::ExprKind::Arith:
    return {.low = arithmetic(b, expr.op, lowerValue(b, packet, expr.args[0]).low,
                              lowerValue(b, packet, expr.args[1]).low)};
  default:
    return {.low = b.CreateZExt(lowerBool(b, packet, expr), b.getInt64Ty())};
  }
}

llvm::Value* lowerBool(Builder& b, const Packet& packet, const ir::Expr& expr) {
  if (expr.kind == ir::ExprKind::Field || expr.kind == ir::ExprKind::Packet || expr.kind == ir::ExprKind::Bool ||
      expr.kind == ir::ExprKind::ExternCall)
    return b.CreateICmpNE(lowerValue(b, packet, expr).low, b.u64(0));
  auto *yes = b.block("yes"), *no = b.block("no"), *done = b.block("bool");
  lowerCondition(b, packet, expr, yes, no);
  b.startBlock(yes);
  b.CreateBr(done);
  b.startBlock(no);
  b.CreateBr(done);
  b.startBlock(done);
  llvm::PHINode* value = b.CreatePHI(b.getInt1Ty(), 2);
  value->addIncoming(b.getTrue(), yes);
  value->addIncoming(b.getFalse(), no);
  return value;
}

uint32_t familyWord(const Value& value, unsigned length) {
  return (value.kind == Value::Kind::v4 ? 4u : 6u) | length << 8;
}

void storeAddress(Builder& b, llvm::Value* base, unsigned offset, unsigned bytes, const Value& value) {
  if (value.kind == Value::Kind::v4) {
    b.storeAt(base, offset, swapBytes(b, value.low));
    if (bytes == 16) {
      b.storeAt(base, offset + 4, b.u32(0));
      b.storeAt(base, offset + 8, b.u64(0));
    }
    return;
  }
  b.storeAt(base, offset, swapBytes(b, value.high));
  b.storeAt(base, offset + 8, swapBytes(b, value.low));
}

void storeKey(Builder& b, llvm::Value* base, unsigned offset, abi::KeyKind kind, const Value& value) {
  switch (kind) {
  case abi::KeyKind::Ip:
  case abi::KeyKind::IpPrefix:
    b.storeAt(base, offset, b.u32(familyWord(value, value.prefix_bits)));
    return storeAddress(b, base, offset + 4, 16, value);
  case abi::KeyKind::Ipv4Prefix:
  case abi::KeyKind::Ipv6Prefix:
    b.storeAt(base, offset, b.u32(familyWord(value, value.prefix_bits)));
    return storeAddress(b, base, offset + 4, kind == abi::KeyKind::Ipv4Prefix ? 4 : 16, value);
  case abi::KeyKind::Ipv4:
  case abi::KeyKind::Ipv6:
    return storeAddress(b, base, offset, kind == abi::KeyKind::Ipv4 ? 4 : 16, value);
  case abi::KeyKind::Mac: // six bytes of the address, first byte first, two of zero
    return b.storeAt(base, offset, swapBytes(b, b.CreateShl(value.low, 16)));
  case abi::KeyKind::U64:
    return b.storeAt(base, offset, value.low);
  default:
    return b.storeAt(base, offset, b.CreateTrunc(value.low, b.getInt32Ty()));
  }
}

} // namespace xdpc::lower
