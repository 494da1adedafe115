// Lowers dynamic sets.
#include "compiler/lower/set.h"
#include "compiler/lower/key_function.h"
#include "compiler/lower/length_list.h"
#include "compiler/lower/prefix_trie.h"
#include "compiler/lower/table_function.h"
#include "compiler/lower/table_insert.h"

#include <algorithm>

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

// The whole address: the walk finds the longest prefix that covers it.
llvm::Value* storeTrieKey(Builder& b, const abi::KeyType& type, const std::vector<Value>& values) {
  unsigned prefix = *abi::prefixPart(type);
  llvm::Value* scratch = b.scratch(kKeyOffset + abi::trieKeySize(type) + 16);
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

unsigned columnsOf(const ir::Set& set) {
  return set.count ? 3 : 1;
}

// Packets and bytes of the element that was found.
void countHit(Builder& b, const TableRef& table, const Place& place) {
  const auto add = [&](unsigned column, llvm::Value* amount) {
    b.CreateAtomicRMW(llvm::AtomicRMWInst::Add, wordAt(b, table, place, column), amount, llvm::Align(8),
                      llvm::AtomicOrdering::SequentiallyConsistent);
  };
  add(1, b.u64(1));
  add(2, b.length);
}

enum class Hits : uint8_t { counted, ignored };

// To `yes` if the key is in the exact part and its time has not come; goes on in a new block if not.
void probeTable(Builder& b, const ir::Set& set, uint32_t map, const KeyWords& key, Hits hits, llvm::BasicBlock* yes) {
  const TableRef table = tableRef(b, map, set.key, columnsOf(set));
  const Placement at = placeKey(b, table, hashKey(b, key));
  auto* missed = b.block("missed");
  const auto [place, expires] = lowerFind(b, table, key, at, FindFor::reading, missed);
  // Most elements never end: the clock is read for the others alone.
  const bool counts = set.count && hits == Hits::counted;
  auto *live = counts ? b.block("live") : yes, *ends = b.block("ends");
  b.CreateCondBr(b.CreateICmpUGE(expires, b.u64(abi::kEternal)), live, ends);
  b.startBlock(ends);
  b.CreateCondBr(b.CreateICmpULT(b.coarseNow(), expires), live, missed);
  if (counts) {
    b.startBlock(live);
    countHit(b, table, place);
    b.CreateBr(yes);
  }
  b.startBlock(missed);
}

void probeExact(Builder& b, const ir::Set& set, const plan::SetPlan& plan, const std::vector<Value>& values,
                llvm::BasicBlock* yes) {
  auto prefix = abi::prefixPart(set.key);
  if (!prefix)
    return probeTable(b, set, *plan.exact, packKey(b, set.key, values), Hits::counted, yes);
  for (const abi::PrefixLength& length : plan.probes) {
    const Value& value = values[*prefix];
    bool same_family = (length.family == abi::Family::v4) == (value.kind == Value::Kind::v4);
    if (!same_family || length.length > value.prefix_bits)
      continue;
    std::vector<Value> masked = values;
    masked[*prefix] = maskAddress(b, value, length.length);
    probeTable(b, set, *plan.exact, packKey(b, set.key, masked), Hits::counted, yes);
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

// Nothing where the set has no trie of ours.
std::optional<PrefixTrieRef> trieRef(const plan::Program& program, uint32_t id) {
  const ir::Set& set = program.policy->sets[id];
  const auto maps = abi::trieMaps(program.manifest, program.manifest.sets[id]);
  return maps ? std::optional(PrefixTrieRef{*maps, abi::prefixTrieLayout(set.key.parts[0], set.capacity)})
              : std::nullopt;
}

// Ends the block.
void lookup(Builder& b, uint32_t id, const std::vector<Value>& values, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const ir::Set& set = b.policy().sets[id];
  const plan::SetPlan& plan = b.program().sets[id];
  if (plan.exact)
    probeExact(b, set, plan, values, yes);
  if (const auto trie = trieRef(b.program(), id))
    return lowerPrefixTrie(b, *trie, trieAddress(b, values[0]), yes, no);
  if (plan.trie)
    probeTrie(b, set, id, plan, values, yes);
  b.CreateBr(no);
}

// Whether addresses of both families are looked up the same way.
bool takesEither(const plan::Program& program, uint32_t id) {
  const ir::Set& set = program.policy->sets[id];
  const plan::SetPlan& plan = program.sets[id];
  const abi::KeyKind kind = set.key.parts[0];
  if (kind == abi::KeyKind::Ip)
    return true;
  const auto is_whole = [](const abi::PrefixLength& length) {
    return length.length == (length.family == abi::Family::v4 ? 32 : 128);
  };
  return kind == abi::KeyKind::IpPrefix && trieRef(program, id) &&
         (!plan.exact || (plan.probes.size() == 2 && std::ranges::all_of(plan.probes, is_whole)));
}

// Ends the block.
void lookupEither(Builder& b, uint32_t id, const EitherAddress& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const plan::SetPlan& plan = b.program().sets[id];
  if (plan.exact)
    probeTable(b, b.policy().sets[id], *plan.exact, {key.form, {key.first, key.second}}, Hits::counted, yes);
  if (const auto trie = trieRef(b.program(), id))
    lowerPrefixTrie(b, *trie, {key.front, key.second, key.v6}, yes, no);
  else
    b.CreateBr(no);
}

llvm::Value* expiry(Builder& b, const ir::Action& action) {
  return action.duration_ns == abi::kNever ? static_cast<llvm::Value*>(b.u64(abi::kNever))
                                           : b.CreateAdd(b.coarseNow(), b.u64(action.duration_ns));
}

constexpr unsigned kLookups = 2; // of a key whose place other CPUs give and take at this very moment

// Adds one element, in a function of its own: an element that is there gets the later of both ends, a dead one begins
// anew.
class Adding {
public:
  Adding(Builder& b, const ir::Set& set, const plan::SetPlan& plan, const KeyWords& key, llvm::Value* expires)
      : b(b), set_(set), plan_(plan), key_(key), expires_(expires) {}

  void run(llvm::BasicBlock* done) {
    const TableRef table = tableRef(b, *plan_.exact, set_.key, columnsOf(set_));
    const Placement at = placeKey(b, table, hashKey(b, key_));
    auto *before = b.GetInsertBlock(), *lookup = b.block("lookup"), *fresh = b.block("fresh"), *full = b.block("full");
    again_ = b.block("again");
    b.CreateBr(lookup);
    b.startBlock(lookup);
    auto* lookups = b.CreatePHI(b.getInt32Ty(), 2);
    lookups->addIncoming(b.u32(0), before);
    const auto [place, word] = lowerFind(b, table, key_, at, FindFor::reading, fresh);
    prolong(table, place, word, done);

    b.startBlock(fresh);
    llvm::Value* inserted =
        callInsert(b, b.globals().inserts.at(*plan_.exact), key_, b.coarseNow(), expires_, b.u64(0));
    auto* answers = b.CreateSwitch(inserted, full);
    answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::placed)), done);
    answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::exists)), again_);
    answerEvicted(b, *answers, plan_.evicted, done);

    b.startBlock(again_);
    llvm::Value* more = b.CreateAdd(lookups, b.u32(1));
    lookups->addIncoming(more, again_);
    b.CreateCondBr(b.CreateICmpULT(more, b.u32(kLookups)), lookup, full);
    b.startBlock(full);
    b.countEvent(*plan_.full);
    b.CreateBr(done);
  }

private:
  // Where the word has changed since it was read, the place may be another key's.
  void prolong(const TableRef& table, const Place& place, llvm::Value* word, llvm::BasicBlock* done) {
    auto *later = b.block("later"), *swapped = b.block("swapped");
    b.CreateCondBr(b.CreateICmpULT(word, expires_), later, done);
    b.startBlock(later);
    auto* swap = b.CreateAtomicCmpXchg(wordAt(b, table, place), word, expires_, llvm::Align(8),
                                       llvm::AtomicOrdering::SequentiallyConsistent,
                                       llvm::AtomicOrdering::SequentiallyConsistent);
    b.CreateCondBr(b.CreateExtractValue(swap, 1), swapped, again_);
    b.startBlock(swapped);
    if (set_.count)
      restartCount(table, place, word);
    b.CreateBr(done);
  }

  // An element that had ended begins anew, and so does its count.
  void restartCount(const TableRef& table, const Place& place, llvm::Value* word) {
    auto *dead = b.block("dead"), *counted = b.block("counted");
    b.CreateCondBr(b.CreateICmpULT(b.coarseNow(), word), counted, dead);
    b.startBlock(dead);
    b.storeAt(wordAt(b, table, place, 1), 0, b.u64(0));
    b.storeAt(wordAt(b, table, place, 2), 0, b.u64(0));
    b.CreateBr(counted);
    b.startBlock(counted);
  }

  Builder& b;
  const ir::Set& set_;
  const plan::SetPlan& plan_;
  const KeyWords& key_;
  llvm::Value* expires_;
  llvm::BasicBlock* again_ = nullptr;
};

void makeAddFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals,
                     uint32_t id) {
  const ir::Set& set = program.policy->sets[id];
  const uint32_t map = *program.sets[id].exact;
  const TableRef table{map, program.manifest.maps[map].max_entries, abi::tableLayout(set.key, columnsOf(set))};
  globals.inserts[map] = makeInsertFunction(program, module, debug, globals, "insert_" + set.name, set.span, table,
                                            {StateKind::set, !set.refuse_when_full});
  globals.set_adds[id] =
      makeTableFunction(program, module, debug, globals, "add_" + set.name, set.span, set.key,
                        [&](Builder& b, const KeyWords& key, llvm::Value* expires, llvm::BasicBlock* yes,
                            llvm::BasicBlock*) { Adding(b, set, program.sets[id], key, expires).run(yes); });
}

LengthProbes lengthProbes(const plan::Program& program, uint32_t id) {
  const ir::Set& set = program.policy->sets[id];
  const auto probe = [&set, map = *program.sets[id].exact](Hits hits) {
    return [&set, map, hits](Builder& b, const KeyWords& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
      probeTable(b, set, map, key, hits, yes);
      b.CreateBr(no);
    };
  };
  return {probe(Hits::ignored), set.count ? KeyProbe(probe(Hits::counted)) : KeyProbe()};
}

} // namespace

void lowerInSet(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const ir::Set& set = b.policy().sets[expr.id];
  std::vector<Value> values = lowerKey(b, packet, expr.args);
  auto function = b.globals().sets.find(expr.id);
  if (function != b.globals().sets.end() && values[0].prefix_bits == fullLength(values[0]))
    return (takesEither(b.program(), expr.id) ? callAddressFunction : callKeyFunction)(b, function->second, values[0],
                                                                                       yes, no);
  auto tuple = b.globals().set_tuples.find(expr.id);
  if (tuple != b.globals().set_tuples.end()) {
    llvm::Value* extra = b.program().sets[expr.id].lengths ? lengthExtra(b, set.key, values) : b.length;
    return callTableFunction(b, tuple->second, packKey(b, set.key, values), extra, yes, no);
  }
  lookup(b, expr.id, values, yes, no);
}

void makeSetFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (uint32_t id = 0; id < program.policy->sets.size(); ++id) {
    const ir::Set& set = program.policy->sets[id];
    if (set.used && set.added_by_policy)
      makeAddFunction(program, module, debug, globals, id);
    if (!set.used)
      continue;
    if (program.sets[id].lengths)
      globals.set_tuples[id] = makeLengthFunction(program, module, debug, globals, id, lengthProbes(program, id));
    else if (set.key.parts.size() == 1 && takesEither(program, id))
      globals.sets[id] = makeAddressFunction(program, module, debug, globals, "in_" + set.name, set.span,
                                             [&](Builder& b, const EitherAddress& key, llvm::BasicBlock* yes,
                                                 llvm::BasicBlock* no) { lookupEither(b, id, key, yes, no); });
    else if (set.key.parts.size() == 1)
      globals.sets[id] =
          makeKeyFunction(program, module, debug, globals, "in_" + set.name, set.span, kindsOf(set.key.parts[0]),
                          [&](Builder& b, const Value& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
                            lookup(b, id, {key}, yes, no);
                          });
    else if (!abi::prefixPart(set.key))
      globals.set_tuples[id] = makeTableFunction(
          program, module, debug, globals, "in_" + set.name, set.span, set.key,
          [&](Builder& b, const KeyWords& key, llvm::Value* length, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
            b.length = length;
            probeTable(b, set, *program.sets[id].exact, key, Hits::counted, yes);
            b.CreateBr(no);
          });
  }
}

void lowerAdd(Builder& b, const Packet& packet, const ir::Action& action) {
  const ir::Set& set = b.policy().sets[action.id];
  auto* done = b.block("added");
  const KeyWords key = packKey(b, set.key, lowerKey(b, packet, action.key));
  callTableFunction(b, b.globals().set_adds.at(action.id), key, expiry(b, action), done, done);
  b.startBlock(done);
}

// The place stays the key's, at rest.
void lowerRemove(Builder& b, const Packet& packet, const ir::Action& action) {
  const ir::Set& set = b.policy().sets[action.id];
  const TableRef table = tableRef(b, *b.program().sets[action.id].exact, set.key, columnsOf(set));
  const KeyWords key = packKey(b, set.key, lowerKey(b, packet, action.key));
  auto* done = b.block("removed");
  const Placement at = placeKey(b, table, hashKey(b, key));
  const auto [place, word] = lowerFind(b, table, key, at, FindFor::reading, done);
  // Who changed the word meanwhile added it later, or took the place for another key.
  b.CreateAtomicCmpXchg(wordAt(b, table, place), word, b.u64(0), llvm::Align(8),
                        llvm::AtomicOrdering::SequentiallyConsistent, llvm::AtomicOrdering::SequentiallyConsistent);
  b.CreateBr(done);
  b.startBlock(done);
}

} // namespace xdpc::lower
