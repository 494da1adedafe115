// Builds the frames that tests send, from the headers' declarations. Entry point: buildPacket. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

struct BuiltPacket {
  std::vector<uint8_t> frame;
  uint32_t ifindex = 1, rx_queue = 0;
};

// Nothing on errors, which are reported.
std::optional<BuiltPacket> buildPacket(Scope& scope, const ast::Packet& packet);

// What `becomes` says: the named fields, header by header from the frame's first on. Nothing on errors.
std::optional<std::vector<ir::ExpectedLayer>> buildExpectation(Scope& scope, const ast::Packet& packet);

} // namespace xdpc::sema
