// Taking a place in a table of keyed state: one function a table, which looks again under the locks of the key's two
// buckets, then takes an unused place of the emptier one, or one at rest, or, if the table evicts, the one nearest to
// rest. Entry points: makeInsertFunction, callInsert, answerEvicted. Tested by tests/packet/sets, tests/packet/meters
// and tests/concurrency/tables_test.cpp.
#pragma once

#include "compiler/lower/keyed_table.h"

namespace xdpc::lower {

// `exists`: look again, the key is there now, or the place that it was to have is taken by its own key again.
// `evicted`: placed, where something live was.
enum class Inserted : uint32_t { full, placed, exists, contended, evicted };

enum class StateKind { set, meter, counter };

struct InsertRules {
  StateKind kind = StateKind::set;
  bool evicts = false;
  uint64_t window = 0; // of a meter
};

llvm::Function* makeInsertFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, const std::string& name, Span place, const TableRef& table,
                                   const InsertRules& rules);

// An answer of Inserted (i32). `word` and `second` become the place's words; further ones are zero. `now` is in ns.
llvm::Value* callInsert(Builder& builder, llvm::Function* function, const KeyWords& key, llvm::Value* now,
                        llvm::Value* word, llvm::Value* second);

// Among the answers (a switch over callInsert's): what was evicted is counted in the slot, if the table has one, and
// the key is placed. Leaves the builder in a block that has ended.
void answerEvicted(Builder& builder, llvm::SwitchInst& answers, std::optional<uint32_t> slot, llvm::BasicBlock* placed);

} // namespace xdpc::lower
