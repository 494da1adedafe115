// Lowers dynamic sets.
#include "compiler/lower/set.h"
#include "compiler/lower/key_function.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

// Keys start four bytes into the scratch buffer: behind the family word an address is then aligned to eight bytes.
constexpr unsigned kKeyOffset = 4;

std::vector<Value> lowerKey(Builder& b, const Packet& packet, const std::vector<ir::Expr>& key) {
  std::vector<Value> values;
  for (const ir::Expr& expr : key)
    values.push_back(lowerValue(b, packet, expr));
  return values;
}

unsigned keyBytes(const abi::KeyType& type) {
  return std::max(abi::keySize(type), abi::trieKeySize(type));
}

llvm::Value* storeExactKey(Builder& b, const abi::KeyType& type, const std::vector<Value>& values) {
  llvm::Value* scratch = b.scratch(kKeyOffset + keyBytes(type) + 16);
  unsigned offset = kKeyOffset;
  for (size_t i = 0; i < values.size(); ++i) {
    storeKey(b, scratch, offset, type.parts[i], values[i]);
    offset += abi::keyKindSize(type.parts[i]);
  }
  return b.at(scratch, kKeyOffset);
}

// The whole address: the walk finds the longest prefix that covers it.
llvm::Value* storeTrieKey(Builder& b, const abi::KeyType& type, const std::vector<Value>& values) {
  unsigned prefix = *abi::prefixPart(type);
  llvm::Value* scratch = b.scratch(kKeyOffset + keyBytes(type) + 16);
  unsigned offset = kKeyOffset;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == prefix)
      continue;
    storeKey(b, scratch, offset + 4, type.parts[i], values[i]);
    offset += abi::keyKindSize(type.parts[i]);
  }
  const Value& value = values[prefix];
  bool both = type.parts[prefix] == abi::KeyKind::IpPrefix;
  if (both) {
    b.storeAt(scratch, offset + 4, b.u32(familyWord(value, 0)));
    offset += 4;
  }
  storeAddress(b, scratch, offset + 4, both || value.kind == Value::Kind::v6 ? 16 : 4, value);
  unsigned bits = (offset - kKeyOffset) * 8 + value.prefix_bits;
  b.storeAt(scratch, kKeyOffset, b.u32(bits));
  return b.at(scratch, kKeyOffset);
}

// To `yes` if the map has the key in the scratch buffer and its time has not come; goes on in a new block if not.
void probe(Builder& b, uint32_t map, llvm::Value* key, llvm::BasicBlock* yes) {
  auto *found = b.block("found"), *missed = b.block("missed");
  llvm::Value* element = b.call(BpfHelper::map_lookup_elem, {b.map(map), key});
  b.CreateCondBr(b.CreateIsNull(element), missed, found);
  b.startBlock(found);
  // Most elements never end: the clock is read for the others alone.
  llvm::Value* expires = b.loadAt(element, 0, 8);
  auto* ends = b.block("ends");
  b.CreateCondBr(b.CreateICmpEQ(expires, b.u64(abi::kNever)), yes, ends);
  b.startBlock(ends);
  b.CreateCondBr(b.CreateICmpULT(b.coarseNow(), expires), yes, missed);
  b.startBlock(missed);
}

void probeExact(Builder& b, const ir::Set& set, const plan::SetPlan& plan, const std::vector<Value>& values,
                llvm::BasicBlock* yes) {
  auto prefix = abi::prefixPart(set.key);
  if (!prefix)
    return probe(b, *plan.exact, storeExactKey(b, set.key, values), yes);
  for (const abi::PrefixLength& length : plan.probes) {
    const Value& value = values[*prefix];
    bool same_family = (length.family == abi::Family::v4) == (value.kind == Value::Kind::v4);
    if (!same_family || length.length > value.prefix_bits)
      continue;
    std::vector<Value> masked = values;
    masked[*prefix] = maskAddress(b, value, length.length);
    probe(b, *plan.exact, storeExactKey(b, set.key, masked), yes);
  }
}

void probeTrie(Builder& b, const ir::Set& set, uint32_t index, const plan::SetPlan& plan,
               const std::vector<Value>& values, llvm::BasicBlock* yes) {
  // The runtime counts the trie's elements, so that an empty one costs a load.
  auto *walk = b.block("trie"), *done = b.block("trie.done");
  llvm::Value* elements =
      b.loadAt(b.map(b.program().common.control), offsetof(abi::Control, trie_elements) + 4 * uint64_t{index}, 4);
  b.CreateCondBr(b.CreateICmpNE(elements, b.u32(0)), walk, done);
  b.startBlock(walk);
  probe(b, *plan.trie, storeTrieKey(b, set.key, values), yes);
  b.CreateBr(done);
  b.startBlock(done);
}

// Ends the block.
void lookup(Builder& b, uint32_t id, const std::vector<Value>& values, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const ir::Set& set = b.policy().sets[id];
  const plan::SetPlan& plan = b.program().sets[id];
  if (plan.exact)
    probeExact(b, set, plan, values, yes);
  if (plan.trie)
    probeTrie(b, set, id, plan, values, yes);
  b.CreateBr(no);
}

llvm::Value* expiry(Builder& b, const ir::Action& action) {
  return action.duration_ns == abi::kNever ? static_cast<llvm::Value*>(b.u64(abi::kNever))
                                           : b.CreateAdd(b.coarseNow(), b.u64(action.duration_ns));
}

// An element that is there gets the later of both ends.
void prolong(Builder& b, llvm::Value* element, llvm::Value* expires, llvm::BasicBlock* done) {
  auto* later = b.block("later");
  b.CreateCondBr(b.CreateICmpULT(b.loadAt(element, 0, 8), expires), later, done);
  b.startBlock(later);
  b.storeAt(element, 0, expires);
  b.CreateBr(done);
}

} // namespace

void lowerInSet(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  std::vector<Value> values = lowerKey(b, packet, expr.args);
  auto function = b.globals().sets.find(expr.id);
  if (function != b.globals().sets.end() && values[0].prefix_bits == fullLength(values[0]))
    return callKeyFunction(b, function->second, values[0], yes, no);
  lookup(b, expr.id, values, yes, no);
}

void makeSetFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (uint32_t id = 0; id < program.policy->sets.size(); ++id) {
    const ir::Set& set = program.policy->sets[id];
    if (!set.used || set.key.parts.size() != 1)
      continue;
    globals.sets[id] =
        makeKeyFunction(program, module, debug, globals, "in_" + set.name, set.span, kindsOf(set.key.parts[0]),
                        [&](Builder& b, const Value& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
                          lookup(b, id, {key}, yes, no);
                        });
  }
}

void lowerAdd(Builder& b, const Packet& packet, const ir::Action& action) {
  const ir::Set& set = b.policy().sets[action.id];
  const plan::SetPlan& plan = b.program().sets[action.id];
  llvm::Value* map = b.map(*plan.exact);
  llvm::Value* expires = expiry(b, action);
  llvm::Value* key = storeExactKey(b, set.key, lowerKey(b, packet, action.key));
  llvm::Value* value = b.at(key, (abi::keySize(set.key) + 3) / 8 * 8 + 4); // behind the key, aligned to eight
  auto *there = b.block("there"), *fresh = b.block("fresh"), *refused = b.block("refused"), *done = b.block("added");

  llvm::Value* element = b.call(BpfHelper::map_lookup_elem, {map, key});
  b.CreateCondBr(b.CreateIsNull(element), fresh, there);
  b.startBlock(there);
  prolong(b, element, expires, done);

  b.startBlock(fresh);
  b.storeAt(value, 0, expires);
  llvm::Value* result = b.call(BpfHelper::map_update_elem, {map, key, value, b.u64(BPF_NOEXIST)});
  b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), done, refused);

  // Another CPU was first, or there is no place.
  b.startBlock(refused);
  auto *late = b.block("late"), *full = b.block("full");
  llvm::Value* other = b.call(BpfHelper::map_lookup_elem, {map, key});
  b.CreateCondBr(b.CreateIsNull(other), full, late);
  b.startBlock(late);
  prolong(b, other, expires, done);
  b.startBlock(full);
  b.countEvent(*plan.full);
  b.CreateBr(done);
  b.startBlock(done);
}

void lowerRemove(Builder& b, const Packet& packet, const ir::Action& action) {
  const ir::Set& set = b.policy().sets[action.id];
  llvm::Value* key = storeExactKey(b, set.key, lowerKey(b, packet, action.key));
  b.call(BpfHelper::map_delete_elem, {b.map(*b.program().sets[action.id].exact), key});
}

} // namespace xdpc::lower
