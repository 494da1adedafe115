// Intervals of values, and what is needed to make them of comparisons with constants. Tested by tests/lit/warn and
// tests/packet/classifiers.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

using Intervals = std::vector<Interval>; // sorted by domain and low, disjoint

Intervals intersection(const Intervals& left, const Intervals& right);
bool disjoint(const Intervals& left, const Intervals& right);
Intervals complement(const Intervals& intervals, const Intervals& all); // what of `all` is not in them

u128 numberOf(const abi::Address& address); // first byte highest: 32 bits of IPv4, 128 of IPv6
Domain domainOf(abi::Family family);
Interval intervalOf(const abi::Prefix& prefix); // its addresses

bool isConstant(const Expr& expr); // Bool, Int, Address or Mac
Op mirrored(Op op);                // that says the same with its sides exchanged

} // namespace xdpc::ir
