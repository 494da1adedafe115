// Keeps checksums right when the packet changes: incrementally, as RFC 1624 has it and as a CRC allows, from the
// innermost outwards, as an outer one is over the inner ones, too. Tested by tests/packet/rewrite and
// tests/differential.
#pragma once

#include "compiler/lower/value.h"

#include <map>
#include <vector>

namespace xdpc::lower {

class ChecksumUpdate {
public:
  ChecksumUpdate(Builder& builder, const Packet& packet) : b(builder), packet_(packet) {}

  // The bytes at `place` of the field's header held `before` and hold `after` now.
  void note(const Packet::Found& field, const BitPlace& place, llvm::Value* before, llvm::Value* after);
  // Writes each checksum over what was noted, but for those that the statement itself assigned to.
  void apply();

private:
  void add(ir::HeaderId summed, const Packet::Found& field, const BitPlace& place, llvm::Value* before,
           llvm::Value* after);
  llvm::Value* crcChange(ir::HeaderId summed, const Packet::Found& field, const BitPlace& place, llvm::Value* change);
  llvm::Value* updated(const ir::Checksum& checksum, llvm::Value* before, llvm::Value* sum);
  llvm::Value* shift(const Packet::Found& field, const BitPlace& place, ir::HeaderId summed);
  void write(ir::HeaderId id, llvm::Value* sum);
  std::optional<Packet::Found> checksumOf(ir::HeaderId id) const;

  Builder& b;
  const Packet& packet_;
  // Of what changed, by header with the checksum: modulo 0xffff, or to XOR to a CRC.
  std::map<ir::HeaderId, llvm::Value*> sums_;
  std::vector<std::pair<ir::HeaderId, ir::FieldId>> assigned_;
};

} // namespace xdpc::lower
