// Lowers events.
#include "compiler/lower/event.h"
#include "compiler/lower/capture.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/value.h"

#include <algorithm>

namespace xdpc::lower {
namespace {

// One in N of this CPU's: its cell counts down to the next.
void lowerSample(Builder& b, const ir::Action& action, llvm::BasicBlock* skip) {
  llvm::Value* cell = b.cell(b.program().samples.at(&action));
  llvm::Value* left = b.loadAt(cell, 0, 8);
  auto *take = b.block("sample.take"), *wait = b.block("sample.wait");
  b.CreateCondBr(b.CreateICmpEQ(left, b.u64(0)), take, wait);
  b.startBlock(wait);
  b.storeAt(cell, 0, b.CreateSub(left, b.u64(1)));
  b.CreateBr(skip);
  b.startBlock(take);
  b.storeAt(cell, 0, b.u64(action.sample - 1));
}

void zero(Builder& b, llvm::Value* record, unsigned offset, abi::KeyKind kind) {
  for (unsigned i = 0; i < abi::keyKindSize(kind); i += 4)
    b.storeAt(record, offset + i, b.u32(0));
}

bool missing(const Builder& b, const Packet& packet, const ir::EventField& field) {
  for (ir::HeaderId id : field.needs)
    if (!packet.find(b.policy(), id))
      return true;
  return false;
}

// A header that only the running program knows: the field is filled or null by a branch.
llvm::Value* presence(Builder& b, const Packet& packet, const ir::EventField& field) {
  llvm::Value* all = nullptr;
  for (ir::HeaderId id : field.needs)
    if (llvm::Value* present = presentOf(b, *packet.find(b.policy(), id)->value))
      all = all ? b.CreateAnd(all, present) : present;
  return all;
}

// Bytes that a payload may not have, a key that a map may not have.
bool mayLack(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Slice || expr.kind == ir::ExprKind::MapValue ||
         (expr.kind != ir::ExprKind::And && std::ranges::any_of(expr.args, mayLack));
}

// Returns the field's bit of `nulls`, i64.
llvm::Value* storeField(Builder& b, const Packet& packet, llvm::Value* record, const ir::EventField& field,
                        unsigned offset, unsigned number) {
  llvm::Value* bit = b.u64(uint64_t{1} << number);
  if (missing(b, packet, field)) {
    zero(b, record, offset, field.kind);
    return bit;
  }
  llvm::Value* present = presence(b, packet, field);
  if (!present && !mayLack(field.value)) {
    storeKey(b, record, offset, field.kind, lowerValue(b, packet, field.value));
    return b.u64(0);
  }
  auto *there = b.block("event.there"), *null = b.block("event.null"), *done = b.block("event.field");
  b.CreateCondBr(present ? present : b.getTrue(), there, null);
  b.startBlock(there);
  {
    Reading reading(b, packet, {&field.value}, null);
    storeKey(b, record, offset, field.kind, lowerValue(b, packet, field.value));
  }
  auto* filled = b.GetInsertBlock();
  b.CreateBr(done);
  b.startBlock(null);
  zero(b, record, offset, field.kind);
  b.CreateBr(done);
  b.startBlock(done);
  llvm::PHINode* nulls = b.CreatePHI(b.getInt64Ty(), 2);
  nulls->addIncoming(b.u64(0), filled);
  nulls->addIncoming(bit, null);
  return nulls;
}

void storeRecord(Builder& b, const Packet& packet, llvm::Value* record, const ir::Action& action,
                 llvm::Value* rule_slot, uint8_t verdict) {
  const ir::Event& event = b.policy().events[action.id];
  const plan::EventPlan& plan = b.program().events[action.id];
  llvm::Value* nulls = b.u64(0);
  for (unsigned i = 0; i < event.fields.size(); ++i)
    nulls = b.CreateOr(nulls, storeField(b, packet, record, event.fields[i], plan.offsets[i], i));
  unsigned end = sizeof(abi::EventHeader);
  for (const ir::EventField& field : event.fields)
    end += abi::keyKindSize(field.kind);
  if (end < plan.size)
    b.storeAt(record, end, b.u32(0));
  b.storeAt(record, offsetof(abi::EventHeader, time_ns), b.now());
  b.storeAt(record, offsetof(abi::EventHeader, slot), rule_slot);
  b.storeAt(record, offsetof(abi::EventHeader, event), b.u32(action.id | uint32_t{verdict} << 8 | plan.size << 16));
  b.storeAt(record, offsetof(abi::EventHeader, nulls), nulls);
}

} // namespace

void lowerEmit(Builder& b, const Packet& packet, const ir::Action& action, llvm::Value* rule_slot, uint8_t verdict) {
  const plan::EventPlan& plan = b.program().events[action.id];
  auto *done = b.block("emitted"), *write = b.block("event.write"), *unread = b.block("event.unread"),
       *lost = b.block("event.lost"), *missed = b.block("event.missed"), *fill = b.block("event.record");
  if (action.sample > 1)
    lowerSample(b, action, done);
  captureIfAsked(b, rule_slot, b.u32(verdict), static_cast<uint8_t>(action.id));
  llvm::Value* lease = b.loadAt(b.map(b.program().common.control), offsetof(abi::Control, event_lease_ns), 8);
  b.CreateCondBr(b.CreateICmpULT(b.coarseNow(), lease), write, unread);

  b.startBlock(write);
  llvm::Value* record =
      b.call(BpfHelper::ringbuf_reserve, {b.map(*b.program().common.events), b.u64(plan.size), b.u64(0)});
  b.CreateCondBr(b.CreateIsNull(record), lost, fill);
  b.startBlock(fill);
  b.record = record;
  storeRecord(b, packet, record, action, rule_slot, verdict);
  b.record = nullptr;
  b.call(BpfHelper::ringbuf_submit, {record, b.u64(0)});
  b.CreateBr(done);

  b.startBlock(unread);
  b.CreateBr(missed);
  b.startBlock(lost);
  b.CreateBr(missed);
  b.startBlock(missed);
  auto* slot = b.CreatePHI(b.getInt32Ty(), 2);
  slot->addIncoming(b.u32(plan.unread), unread);
  slot->addIncoming(b.u32(plan.lost), lost);
  b.countEvent(slot);
  b.CreateBr(done);
  b.startBlock(done);
}

} // namespace xdpc::lower
