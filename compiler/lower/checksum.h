// Keeps checksums right when the packet changes: incrementally, as RFC 1624 has it. Tested by tests/packet/rewrite.
#pragma once

#include "compiler/lower/value.h"

#include <map>

namespace xdpc::lower {

class ChecksumUpdate {
public:
  ChecksumUpdate(Builder& builder, const Packet& packet) : b(builder), packet_(packet) {}

  // The bytes at `place` of the field's header held `before` and hold `after` now.
  void note(const Packet::Found& field, const BitPlace& place, llvm::Value* before, llvm::Value* after);
  // Writes each checksum over what was noted.
  void apply();

private:
  llvm::Value* shift(const Packet::Found& field, const BitPlace& place, ir::HeaderId summed);
  void write(ir::HeaderId id, llvm::Value* sum);

  Builder& b;
  const Packet& packet_;
  std::map<ir::HeaderId, llvm::Value*> sums_; // of what changed, modulo 0xffff, by header with the checksum
};

} // namespace xdpc::lower
