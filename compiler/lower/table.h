// Searches in sorted tables. Entry points: lowerSearch, lowerTupleSearch. Tested by tests/packet/load/sets.xf and
// tests/packet/maps.
#pragma once

#include "compiler/lower/value.h"

namespace xdpc::lower {

// The number of the table's entry that holds the key, from 1; 0 if none does (i32). Without a branch: the verifier
// walks the search once, whatever is in the table.
llvm::Value* lowerSearch(Builder& builder, const plan::Table& table, const Value& key);
// The same for a key of several parts. `either` says of each whether it is of type `ip`.
llvm::Value* lowerTupleSearch(Builder& builder, const plan::Table& table, const std::vector<Value>& key,
                              const std::vector<bool>& either);

// Where the entry's value lies. The number, from 1, may be any: it is cut to the table's size.
llvm::Value* lowerEntryPointer(Builder& builder, const plan::Table& table, llvm::Value* number);

const std::optional<plan::Table>& tableFor(const plan::Tables& tables, Value::Kind kind);

} // namespace xdpc::lower
