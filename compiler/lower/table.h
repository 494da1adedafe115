// Lookups in tables that the object carries: plan/lookup.h. Entry points: lowerLookup, lowerTupleLookup. Tested by
// tests/lookup, tests/packet/load/sets.xf and tests/packet/maps.
#pragma once

#include "compiler/lower/value.h"

namespace xdpc::lower {

// The number that the table has for the key; 0 if it is not there (i32). Goes on in a new block.
llvm::Value* lowerLookup(Builder& builder, const plan::Table& table, const Value& key);
// The same for a key of several parts. `either` says of each whether it is of type `ip`.
llvm::Value* lowerTupleLookup(Builder& builder, const plan::Table& table, const std::vector<Value>& key,
                              const std::vector<bool>& either);

// Where the value lies that the number, from 1, stands for. It may be any: it is cut to the array's size, a power of
// two.
llvm::Value* lowerValuePointer(Builder& builder, const plan::Array& values, llvm::Value* number);

const std::optional<plan::Table>& tableFor(const plan::Tables& tables, Value::Kind kind);

// Which elements of a set a value is looked up among.
ir::Domain domainOf(const Value& value);

} // namespace xdpc::lower
