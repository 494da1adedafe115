// Which checksums an assignment changes. Read by plan (those headers must be found), lower (their checksums are kept
// right) and relevance. Tested by tests/packet/rewrite.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

// Headers, other than unions, whose checksum is over the field: its own header, those before it whose checksum covers
// what follows, and transports behind an IP header whose addresses they cover. Not across tunnels.
std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId header, FieldId field);
// The same for all targets of an assignment, each once.
std::vector<HeaderId> checksumsOver(const Policy& policy, const Action& assign);

} // namespace xdpc::ir
