// Checksums after a rewrite, the slow and obvious way: computed anew over all that they cover where the packet is whole
// and its checksum was right, else by the sums of all bytes before and after (RFC 1624). Entry point: updateChecksums.
#pragma once

#include "tests/oracle/packet.h"

namespace xdpc::oracle {

// Bytes of the frame.
struct Range {
  size_t start = 0, bytes = 0;
};

// `written`: what a statement has changed in `before` to make `frame` of it; checksums among it stay as they are.
void updateChecksums(const ir::Policy& policy, const Packet& packet, const std::vector<uint8_t>& before,
                     std::vector<uint8_t>& frame, std::vector<Range> written);

} // namespace xdpc::oracle
