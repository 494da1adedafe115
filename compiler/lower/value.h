// Values of expressions: numbers in 64 bits, addresses in halves, all in host order. Entry points: lowerValue,
// storeKey. Tested by tests/packet/fields.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// number: Int, Mac (48 bits). Addresses: v4 is an i32 in `low`; v6 two i64, `high` the first eight bytes.
struct Value {
  enum class Kind : uint8_t { number, v4, v6 } kind = Kind::number;
  llvm::Value* low = nullptr;
  llvm::Value* high = nullptr;
  uint8_t prefix_bits = 128; // of an address: 32 or 128, less under a mask
};

// Bits of a whole address; 128 for a number, which has no prefix.
inline unsigned fullLength(const Value& value) {
  return value.kind == Value::Kind::v4 ? 32 : 128;
}

// The expression's headers must be present.
Value lowerValue(Builder& builder, const Packet& packet, const ir::Expr& expr);
// Bits of a field in network order, from the bytes at `base`, its header's start: i64 in host order.
llvm::Value* loadNumber(Builder& builder, llvm::Value* base, const ir::Field& field);
// A one-bit or derived Bool field as i1.
llvm::Value* lowerBool(Builder& builder, const Packet& packet, const ir::Expr& expr);

// Up to eight bytes at the pointer as a number, first byte highest.
llvm::Value* loadBytes(Builder& builder, llvm::Value* base, uint64_t offset, unsigned bytes);
void storeBytes(Builder& builder, llvm::Value* base, uint64_t offset, unsigned bytes, llvm::Value* number);

// The bytes that hold the field's bits: `count` of them (1 to 8) from byte `first` of its header on, its lowest bit
// `behind` bits above their end. Big-endian numbers in 64 bits.
struct BitPlace {
  uint64_t first = 0;
  unsigned count = 0, lead = 0, behind = 0;
};
BitPlace placeOf(const ir::Field& field);

// Writes the value as abi/key.h lays it out; at least keyKindSize(kind) bytes from `offset` on.
void storeKey(Builder& builder, llvm::Value* base, unsigned offset, abi::KeyKind kind, const Value& value);
// The address's bytes alone: 4 or 16 (an IPv4 address in 16 bytes has twelve zeros behind it).
void storeAddress(Builder& builder, llvm::Value* base, unsigned offset, unsigned bytes, const Value& value);
// {u8 family, u8 length, u16 0} as a little-endian word.
uint32_t familyWord(const Value& value, unsigned length);
Value maskAddress(Builder& builder, const Value& value, unsigned bits);

} // namespace xdpc::lower
