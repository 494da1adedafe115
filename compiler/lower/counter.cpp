// Lowers counters.
#include "compiler/lower/counter.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/table_function.h"
#include "compiler/lower/table_insert.h"

namespace xdpc::lower {
namespace {

// Other CPUs count under the same key.
void addAtomically(Builder& b, const TableRef& table, const Place& place) {
  const auto add = [&](unsigned column, llvm::Value* amount) {
    b.CreateAtomicRMW(llvm::AtomicRMWInst::Add, wordAt(b, table, place, column), amount, llvm::Align(8),
                      llvm::AtomicOrdering::SequentiallyConsistent);
  };
  add(0, b.u64(1));
  add(1, b.length);
}

void countByKey(Builder& b, const ir::Counter& counter, const plan::CounterPlan& plan, const KeyWords& key,
                llvm::BasicBlock* done) {
  const TableRef table = tableRef(b, *plan.map, counter.key_type, 2);
  const Placement at = placeKey(b, table, hashKey(b, key));
  auto *before = b.GetInsertBlock(), *lookup = b.block("lookup"), *fresh = b.block("fresh"), *again = b.block("again"),
       *other = b.block("other");
  b.CreateBr(lookup);
  b.startBlock(lookup);
  auto* lookups = b.CreatePHI(b.getInt32Ty(), 2);
  lookups->addIncoming(b.u32(0), before);
  addAtomically(b, table, lowerFind(b, table, key, at, FindFor::changing, fresh).place);
  b.CreateBr(done);

  b.startBlock(fresh);
  llvm::Value* inserted = callInsert(b, b.globals().inserts.at(*plan.map), key, b.u64(0), b.u64(1), b.length);
  auto* answers = b.CreateSwitch(inserted, other);
  answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::placed)), done);
  answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::exists)), again);
  // Another CPU was first: the key is there now, and stays.
  b.startBlock(again);
  lookups->addIncoming(b.u32(1), again);
  b.CreateCondBr(b.CreateICmpEQ(lookups, b.u32(0)), lookup, other);

  b.startBlock(other);
  b.countPacket(b.u32(*plan.other));
  b.CreateBr(done);
}

} // namespace

void lowerCount(Builder& b, const Packet& packet, const ir::Action& action) {
  const plan::CounterPlan& plan = b.program().counters[action.id];
  if (plan.slot)
    return b.countPacket(b.u32(*plan.slot));
  auto* done = b.block("counted");
  if (lowerNeeds(b, packet, plan.needs, done)) {
    const ir::Counter& counter = b.policy().counters[action.id];
    std::vector<Value> key;
    for (const ir::Expr& part : counter.key)
      key.push_back(lowerValue(b, packet, part));
    callTableFunction(b, b.globals().counters.at(action.id), packKey(b, counter.key_type, key), b.length, done, done);
  }
  b.startBlock(done);
}

void makeCounterFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (ir::CounterId id = 0; id < program.policy->counters.size(); ++id) {
    const ir::Counter& counter = program.policy->counters[id];
    const plan::CounterPlan& plan = program.counters[id];
    if (!counter.used || !plan.map)
      continue;
    const TableRef table{*plan.map, program.manifest.maps[*plan.map].max_entries,
                         abi::tableLayout(counter.key_type, 2)};
    globals.inserts[*plan.map] = makeInsertFunction(program, module, debug, globals, "insert_" + counter.name,
                                                    counter.span, table, {StateKind::counter});
    globals.counters[id] = makeTableFunction(
        program, module, debug, globals, "count_" + counter.name, counter.span, counter.key_type,
        [&](Builder& b, const KeyWords& key, llvm::Value* length, llvm::BasicBlock* yes, llvm::BasicBlock*) {
          b.length = length;
          countByKey(b, counter, plan, key, yes);
        });
  }
}

} // namespace xdpc::lower
