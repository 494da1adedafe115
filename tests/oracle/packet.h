// What is in a frame: the oracle's own walk over the headers that the policy declares, written from docs/language.md,
// not from the compiler's lowering. It reads every header that it can, whatever the policy asks for. Entry point:
// parsePacket. Judged and judging in tests/differential.
#pragma once

#include "compiler/ir/ir.h"

#include <optional>
#include <span>
#include <vector>

namespace xdpc::oracle {

// A header that is wholly there.
struct Place {
  ir::HeaderId header = 0;
  size_t offset = 0, size = 0;                  // bytes, from the frame's start
  std::optional<size_t> ip_end;                 // where the IP packet around it ends, by IP's own length
  std::optional<uint64_t> protocol_behind = {}; // of IP: the protocol number behind its extension headers
};

struct Packet {
  std::span<const uint8_t> frame;
  uint32_t ifindex = 1, rx_queue = 0;
  uint64_t length = 0;       // as it came in
  std::vector<Place> places; // in the order of the frame
  bool malformed = false, unparsed = false;
  bool reading_last = true; // while the last place is read, its own name means it and not the first such header

  // The header of this name, if it is there: of a union, the alternative that is there; of an optional field or an
  // option, its bytes.
  std::optional<Place> find(const ir::Policy& policy, ir::HeaderId header) const;
};

// Bounds that docs/language.md states.
inline constexpr unsigned kTags = 2, kLabels = 4, kTunnels = 2, kExtensions = 8, kExtensionBytes = 256,
                          kHeaderBytes = 512;

Packet parsePacket(const ir::Policy& policy, std::span<const uint8_t> frame, uint32_t ifindex, uint32_t rx_queue);

} // namespace xdpc::oracle
