// Lowers hash tables: both buckets of a key are read at once and compared without a branch.
#include "compiler/plan/hash_table.h"
#include "compiler/lower/lookup.h"

namespace xdpc::lower {
namespace {

// 1 where the word is 0, else 0.
llvm::Value* isZero(Builder& b, llvm::Value* word) {
  llvm::Value* sign = b.CreateLShr(b.opaque(b.CreateOr(word, b.CreateNeg(word))), 63);
  return b.CreateXor(sign, 1);
}

class Hashing {
public:
  Hashing(Builder& b, const plan::HashTable& table, const Words& key) : b(b), table_(table), key_(key) {}

  llvm::Value* run() {
    llvm::Value* hash = hashOf(b, key_, table_.seed);
    llvm::Value* other = b.CreateMul(b.CreateXor(hash, b.CreateLShr(hash, 29)), b.u64(plan::kOtherMix));
    const uint32_t bucket_slots = table_.slots, all = table_.buckets * bucket_slots;
    llvm::Value* bucket = partOf(b, hash, table_.buckets);
    llvm::Value* other_bucket = partOf(b, other, table_.buckets);
    llvm::Value* first = boundedElementAt(b, table_.first, bucket);
    llvm::Value* second = boundedElementAt(b, table_.second, other_bucket);
    llvm::Value* number = b.u64(0);
    for (uint32_t slot = 0; slot < bucket_slots; ++slot) {
      number = b.CreateAdd(number, found(first, slot, bucket, 1 + slot));
      number = b.CreateAdd(number, found(second, slot, other_bucket, uint64_t{all} + 1 + slot));
    }
    return b.CreateTrunc(number, b.getInt32Ty());
  }

private:
  // The slot's number where it has the key, else 0.
  llvm::Value* found(llvm::Value* bucket, uint32_t slot, llvm::Value* index, uint64_t from) {
    llvm::Value* difference = b.u64(0);
    for (uint32_t i = 0; i < table_.words; ++i) {
      const uint64_t offset = (uint64_t{slot} * table_.words + i) * table_.word_bytes;
      llvm::Value* word = b.CreateZExt(b.loadAt(bucket, offset, table_.word_bytes), b.getInt64Ty());
      difference = b.CreateOr(difference, b.CreateXor(word, key_[i]));
    }
    llvm::Value* number = b.CreateAdd(b.CreateMul(index, b.u64(table_.slots)), b.u64(from));
    return b.CreateMul(b.opaque(isZero(b, difference)), number);
  }

  Builder& b;
  const plan::HashTable& table_;
  const Words& key_;
};

class Quotients {
public:
  Quotients(Builder& b, const plan::QuotientTable& table, llvm::Value* key)
      : b(b), table_(table), key_(b.CreateTrunc(key, b.getInt32Ty())) {}

  llvm::Value* run() {
    llvm::Value* first = found(table_.first, table_.seed);
    llvm::Value* second = found(table_.second, plan::otherSeed(table_.seed));
    return b.CreateTrunc(b.CreateLShr(b.opaque(b.CreateOr(first, second)), 63), b.getInt32Ty());
  }

private:
  // The highest bit says whether the bucket has the key.
  llvm::Value* found(const plan::Array& buckets, uint32_t seed) {
    llvm::Value* hash = b.CreateMul(key_, b.u32(seed));
    hash = b.CreateMul(b.CreateXor(hash, b.CreateLShr(hash, 15)), b.u32(plan::kQuotientMix));
    llvm::Value* wide = b.CreateZExt(b.opaque(hash), b.getInt64Ty());
    const unsigned rest_bits = 32 - table_.bucket_bits;
    llvm::Value* rest = b.CreateAnd(wide, (uint64_t{1} << rest_bits) - 1);
    llvm::Value* bucket = boundedElementAt(b, buckets, b.CreateLShr(wide, rest_bits));
    llvm::Value* slots = b.CreateZExt(b.loadAt(bucket, 0, table_.slots * 2), b.getInt64Ty());
    llvm::Value *equal = nullptr, *previous = nullptr, *descends = nullptr;
    for (uint32_t slot = 0; slot < table_.slots; ++slot) {
      llvm::Value* stored = b.CreateAnd(b.CreateLShr(slots, 16 * slot), 0xffff);
      llvm::Value* one = b.CreateSub(b.opaque(b.CreateXor(stored, rest)), b.u64(1)); // negative where equal
      equal = equal ? b.CreateOr(equal, one) : one;
      if (slot == 1)
        descends = b.CreateSub(stored, previous);
      previous = stored;
    }
    return b.CreateAnd(equal, b.CreateNot(descends));
  }

  Builder& b;
  const plan::QuotientTable& table_;
  llvm::Value* key_;
};

} // namespace

llvm::Value* hashOf(Builder& b, const Words& key, uint64_t seed) {
  llvm::Value* hash = b.CreateMul(key[0], b.u64(seed));
  hash = b.CreateXor(hash, b.CreateLShr(hash, 32));
  for (size_t i = 1; i < key.size(); ++i) {
    hash = b.CreateMul(b.CreateAdd(hash, key[i]), b.u64(plan::kHashMix));
    hash = b.CreateXor(hash, b.CreateLShr(hash, 32));
  }
  return b.CreateMul(hash, b.u64(plan::kHashMix));
}

llvm::Value* partOf(Builder& b, llvm::Value* hash, uint32_t count) {
  llvm::Value* upper = b.opaque(b.CreateLShr(hash, 32));
  return b.opaque(b.CreateLShr(b.opaque(b.CreateMul(upper, b.u64(count))), 32));
}

llvm::Value* lowerHash(Builder& b, const plan::HashTable& table, const Words& key) {
  return Hashing(b, table, key).run();
}

llvm::Value* lowerQuotient(Builder& b, const plan::QuotientTable& table, llvm::Value* key) {
  return Quotients(b, table, key).run();
}

} // namespace xdpc::lower
