// What blocks of rules are made of, as sema, plan and lower ask it. Tested by tests/packet/rules and
// tests/packet/redirect.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

bool endsPacket(const Block& block); // every way through it reaches a verdict
bool isTag(const Action& action);    // `push vlan` or `pop vlan`: last before the verdict of its block

} // namespace xdpc::ir
