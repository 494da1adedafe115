// Lookups of tuples with ranges or prefixes in them: plan/box_table.h. Entry point: lowerBoxLookup. Tested by
// tests/packet/conditions/tuples.xf and tests/packet/maps/tuples.xf.
#pragma once

#include "compiler/lower/value.h"
#include "compiler/plan/box_table.h"

namespace xdpc::lower {

// The number of the first tuple that holds the key, from 1; 0 if none does (i64).
llvm::Value* lowerBoxLookup(Builder& builder, const plan::BoxTable& table, const std::vector<Value>& key);

} // namespace xdpc::lower
