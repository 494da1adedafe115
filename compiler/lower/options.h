// Options of a header: bytes of number, length and value behind its declared fields (RFC 791, section 3.1; RFC 9293,
// section 3.1). Entry point: lowerOptions. Tested by tests/packet/headers/tcp_options.xf and ipv4_options.xf.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Where each of `options` of the header is and whether it is there: the first of its number that has the declared
// length, up to an end of options or one that is impossible. The values are copies on the stack. Goes on in a new
// block.
std::map<ir::HeaderId, HeaderValue> lowerOptions(Builder& builder, const ir::Header& owner, const HeaderValue& value,
                                                 const std::vector<ir::HeaderId>& options);

} // namespace xdpc::lower
