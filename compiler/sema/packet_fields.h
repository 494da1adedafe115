// The fields of the frame, `pkt.len` and so on: the one table, for the checker and the reference.
#pragma once

#include "compiler/ir/ir.h"

#include <span>

namespace xdpc::sema {

struct PacketFieldInfo {
  const char* name;
  ir::PacketField field;
  uint16_t bits; // 1: a condition
  const char* meaning;
};
std::span<const PacketFieldInfo> packetFields();

} // namespace xdpc::sema
