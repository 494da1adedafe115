// What assignments and tags make of a frame, as docs/language.md says: bit by bit, and with checksums computed over
// everything that they cover. Entry points: assign, tagsOf, changeTags.
#pragma once

#include "tests/oracle/value.h"

namespace xdpc::oracle {

using Bytes = std::vector<uint8_t>;

// `frame` holds the bytes that the packet's headers were found in.
void assign(const ir::Policy& policy, const Packet& packet, Bytes& frame, const ir::Action& action,
            const InSet& in_set);

// A tag that goes on, with its values as they are now, or comes off.
struct Tag {
  bool push = false;
  uint32_t word = 0; // EtherType and control information
};
std::vector<Tag> tagsOf(const ir::Policy& policy, const Packet& packet, const ir::Block& block, const InSet& in_set);
void changeTags(const ir::Policy& policy, Bytes& frame, const std::vector<Tag>& tags);

} // namespace xdpc::oracle
