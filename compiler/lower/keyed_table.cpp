// Keys and places in the tables of keyed state.
#include "compiler/lower/keyed_table.h"

#include <llvm/IR/CFG.h>

namespace xdpc::lower {
namespace {

constexpr uint64_t kLanes = 0x0001'0001'0001'0001, kHigh = kLanes << 15;

llvm::Value* volatileLoad(Builder& b, llvm::Value* pointer, unsigned bytes) {
  auto* load = b.CreateAlignedLoad(b.getIntNTy(bytes * 8), pointer, llvm::Align(bytes));
  load->setVolatile(true); // in the order of the text: the rules of the table are about it
  return b.CreateZExt(load, b.getInt64Ty());
}

bool isWide(abi::KeyKind kind) {
  return kind == abi::KeyKind::Ip || kind == abi::KeyKind::IpPrefix || kind == abi::KeyKind::Ipv6 ||
         kind == abi::KeyKind::Ipv6Prefix;
}

uint8_t formOf(const Value& value) {
  const bool v4 = value.kind == Value::Kind::v4;
  return abi::keyForm(v4 ? abi::Family::v4 : abi::Family::v6, value.prefix_bits);
}

} // namespace

KeyWords packKey(Builder& b, const abi::KeyType& type, const std::vector<Value>& values) {
  const abi::TableLayout layout = abi::tableLayout(type, 1);
  llvm::Value* form = b.u64(0);
  std::vector<llvm::Value*> wide, narrow;
  for (size_t i = 0; i < values.size(); ++i) {
    const Value& value = values[i];
    const abi::KeyKind kind = type.parts[i];
    if (abi::hasForm(kind) && layout.form)
      form = b.u64(formOf(value));
    else if (abi::hasForm(kind))
      narrow.push_back(b.u64(formOf(value)));
    llvm::Value* low = b.CreateZExt(value.low, b.getInt64Ty());
    if (value.kind == Value::Kind::v6) {
      wide.insert(wide.end(), {value.high, low});
    } else if (isWide(kind)) {
      wide.insert(wide.end(), {low, b.u64(0)});
    } else if (kind == abi::KeyKind::Mac || kind == abi::KeyKind::U64) {
      wide.push_back(low);
    } else {
      narrow.push_back(b.CreateAnd(low, 0xffff'ffff));
    }
  }
  for (size_t i = 0; i < narrow.size(); i += 2)
    wide.push_back(i + 1 < narrow.size() ? b.CreateOr(narrow[i], b.CreateShl(narrow[i + 1], 32)) : narrow[i]);
  return {form, std::move(wide)};
}

TableRef tableRef(const Builder& b, uint32_t map, const abi::KeyType& type, unsigned columns) {
  return {map, b.program().manifest.maps[map].max_entries, abi::tableLayout(type, columns)};
}

llvm::Value* hashKey(Builder& b, const KeyWords& key) {
  const auto secret = [&](unsigned index) { return b.config(offsetof(abi::Config, hash_keys) + 8 * index, 8); };
  llvm::Value* hash = b.CreateMul(key.form, secret(0));
  unsigned next = 1;
  for (llvm::Value* word : key.words) {
    if (next + 1 >= abi::kHashKeys) {
      hash = b.CreateMul(b.CreateXor(hash, b.CreateLShr(hash, 29)), b.u64(abi::kHashMix));
      next = 1;
    }
    hash = b.CreateAdd(hash, b.CreateMul(b.CreateAnd(word, 0xffff'ffff), secret(next)));
    llvm::Value* high = b.CreateLShr(word, 32);
    if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(high); !constant || !constant->isZero())
      hash = b.CreateAdd(hash, b.CreateMul(high, secret(next + 1)));
    next += 2;
  }
  return hash;
}

Placement placeKey(Builder& b, const TableRef& table, llvm::Value* hash) {
  llvm::Value* mixed = b.CreateMul(b.CreateXor(hash, b.CreateLShr(hash, 29)), b.u64(abi::kHashMix));
  Placement at;
  at.tag = b.CreateOr(b.CreateLShr(mixed, 49), 1);
  if (table.buckets == 1) {
    at.first = at.second = b.u64(0);
    return at;
  }
  llvm::Value* buckets = b.parameter("buckets", table.buckets);
  at.first = b.CreateLShr(b.CreateMul(b.CreateLShr(hash, 32), buckets), 32);
  llvm::Value* step = b.CreateAnd(b.CreateLShr(mixed, 16), 0xffff'ffff);
  step = b.CreateLShr(b.CreateMul(step, b.parameter("steps", table.buckets - 1)), 32);
  llvm::Value* second = b.CreateAdd(b.CreateAdd(at.first, step), b.u64(1));
  llvm::Value* inside = b.isLess(second, buckets);
  at.second = b.CreateSub(second, b.CreateMul(b.opaque(b.CreateXor(inside, b.u64(1))), buckets));
  return at;
}

llvm::Value* wordAt(Builder& b, const TableRef& table, const Place& place, unsigned column) {
  return b.at(b.at(place.bucket, b.CreateMul(place.number, b.u64(8))), table.layout.wordOffset(column, 0));
}

llvm::Value* keyAt(Builder& b, const TableRef& table, const Place& place, unsigned word) {
  return b.at(b.at(place.bucket, b.CreateMul(place.number, b.u64(table.layout.key_stride))),
              table.layout.keyOffset(0) + 8 * word);
}

llvm::Value* keyDifference(Builder& b, const TableRef& table, const Place& place, const KeyWords& key) {
  const unsigned bytes = table.layout.key_stride == 4 ? 4 : 8;
  llvm::Value* difference = b.u64(0);
  if (table.layout.form)
    difference = b.CreateXor(volatileLoad(b, b.at(b.at(place.bucket, place.number), abi::kFormsOffset), 1), key.form);
  for (unsigned i = 0; i < key.words.size(); ++i)
    difference = b.CreateOr(difference, b.CreateXor(volatileLoad(b, keyAt(b, table, place, i), bytes), key.words[i]));
  return difference;
}

llvm::Value* bucketAt(Builder& b, const TableRef& table, llvm::Value* number, llvm::BasicBlock* gone) {
  // The kernel makes a bounds check and a product of a lookup in an array.
  llvm::Value* index = b.scratch(4);
  b.storeAt(index, 0, b.CreateTrunc(number, b.getInt32Ty()));
  llvm::Value* bucket = b.call(BpfHelper::map_lookup_elem, {b.map(table.map), index});
  auto* there = b.block("bucket");
  b.CreateCondBr(b.CreateIsNull(bucket), gone, there);
  b.startBlock(there);
  return bucket;
}

// A lane less than 2^15 has, together with 2^15 - 1, the highest bit unless it is zero.
llvm::Value* tagMask(Builder& b, llvm::Value* bucket, llvm::Value* tag) {
  llvm::Value* pattern = b.opaque(b.CreateMul(tag, b.u64(kLanes)));
  llvm::Value* others = b.u64(0);
  for (unsigned word = 0; word < 4; ++word) {
    llvm::Value* tags = volatileLoad(b, b.at(bucket, abi::kTagsOffset + 8 * word), 8);
    llvm::Value* differs = b.CreateAnd(b.CreateAdd(b.CreateXor(tags, pattern), b.u64(kHigh - kLanes)), kHigh);
    others = b.CreateOr(others, b.CreateLShr(differs, 15 - word));
  }
  return b.CreateXor(others, b.u64(0xf * kLanes));
}

llvm::Value* placeOfLowest(Builder& b, llvm::Value* mask) {
  llvm::Value* lowest = b.CreateAnd(mask, b.CreateNeg(mask));
  return b.opaque(b.CreateLShr(b.CreateMul(lowest, b.u64(abi::kPlaceMultiplier)), 60));
}

void forCandidates(Builder& b, llvm::Value* bucket, llvm::Value* mask, llvm::BasicBlock* none,
                   const std::function<void(const Place&, const Candidates&)>& body) {
  auto *before = b.GetInsertBlock(), *turn = b.block("candidates"), *look = b.block("candidate"),
       *next = b.block("next"), *again = b.block("again");
  b.CreateBr(turn);
  b.startBlock(turn);
  auto* left = b.CreatePHI(b.getInt64Ty(), 2);
  auto* tried = b.CreatePHI(b.getInt64Ty(), 2);
  left->addIncoming(mask, before);
  tried->addIncoming(b.u64(0), before);
  b.CreateCondBr(b.CreateICmpEQ(left, b.u64(0)), none, look);
  b.startBlock(look);
  body({bucket, placeOfLowest(b, left)}, {next, again});
  b.startBlock(next);
  llvm::Value* others = b.CreateAnd(left, b.CreateSub(left, b.u64(1)));
  b.CreateBr(again);
  b.startBlock(again);
  auto* remaining = b.CreatePHI(b.getInt64Ty(), 2);
  remaining->addIncoming(others, next);
  for (llvm::BasicBlock* way : llvm::predecessors(again))
    if (way != next)
      remaining->addIncoming(left, way);
  llvm::Value* count = b.CreateAdd(tried, b.u64(1));
  left->addIncoming(remaining, again);
  tried->addIncoming(count, again);
  b.CreateCondBr(b.CreateICmpULT(count, b.u64(abi::kCandidates)), turn, none);
}

void forBoth(Builder& b, const std::pair<llvm::Value*, llvm::Value*>& both, llvm::BasicBlock* done,
             const std::function<void(llvm::Value*, llvm::BasicBlock*)>& body) {
  auto *before = b.GetInsertBlock(), *turn = b.block("one"), *next = b.block("other");
  b.CreateBr(turn);
  b.startBlock(turn);
  auto* one = b.CreatePHI(both.first->getType(), 2);
  auto* number = b.CreatePHI(b.getInt64Ty(), 2);
  one->addIncoming(both.first, before);
  number->addIncoming(b.u64(0), before);
  body(one, next);
  b.startBlock(next);
  one->addIncoming(both.second, next);
  number->addIncoming(b.u64(1), next);
  b.CreateCondBr(b.CreateICmpEQ(number, b.u64(0)), turn, done);
}

FoundPlace lowerFind(Builder& b, const TableRef& table, const KeyWords& key, const Placement& at, FindFor purpose,
                     llvm::BasicBlock* missed) {
  auto* found = b.block("found");
  FoundPlace result;
  const auto look = [&](llvm::Value* number, llvm::BasicBlock* none) {
    llvm::Value* bucket = bucketAt(b, table, number, missed);
    forCandidates(b, bucket, tagMask(b, bucket, at.tag), none, [&](const Place& place, const Candidates& on) {
      llvm::Value* word = volatileLoad(b, wordAt(b, table, place), 8);
      auto* same = b.block("same");
      b.CreateCondBr(b.CreateICmpEQ(keyDifference(b, table, place, key), b.u64(0)), same, on.next);
      b.startBlock(same);
      result = {place, word};
      if (purpose == FindFor::changing)
        return void(b.CreateBr(found));
      llvm::Value* behind = volatileLoad(b, wordAt(b, table, place), 8);
      b.CreateCondBr(b.CreateICmpEQ(word, behind), found, on.again);
    });
  };
  if (table.buckets > 1)
    forBoth(b, {at.first, at.second}, missed, look);
  else
    look(at.first, missed);
  b.startBlock(found);
  return result;
}

} // namespace xdpc::lower
