// Lowers hash tables: both buckets of a key are read at once and compared without a branch.
#include "compiler/plan/hash_table.h"
#include "compiler/lower/lookup.h"

namespace xdpc::lower {
namespace {

class Hashing {
public:
  Hashing(Builder& b, const plan::HashTable& table, const Words& key, Wanted wanted)
      : b(b), table_(table), key_(key), wanted_(wanted) {}

  llvm::Value* run() {
    llvm::Value* bucket = bucketOf(plan::HashOf::first_table);
    llvm::Value* other_bucket = bucketOf(plan::HashOf::second_table);
    llvm::Value* first = boundedElementAt(b, table_.first, bucket);
    llvm::Value* second = boundedElementAt(b, table_.second, other_bucket);
    for (uint32_t slot = 0; slot < table_.slots; ++slot) {
      look(first, slot, bucket, 1 + slot);
      look(second, slot, other_bucket, uint64_t{table_.buckets} * table_.slots + 1 + slot);
    }
    llvm::Value* found = wanted_ == Wanted::presence ? b.CreateLShr(b.opaque(found_), 63) : found_;
    return b.CreateTrunc(found, b.getInt32Ty());
  }

private:
  llvm::Value* bucketOf(plan::HashOf which) { return partOf(b, hashOf(b, key_, table_.seed, which), table_.buckets); }

  // Adds the slot's number where it has the key; where presence is enough, a sign.
  void look(llvm::Value* bucket, uint32_t slot, llvm::Value* index, uint64_t from) {
    llvm::Value* difference = nullptr;
    for (uint32_t i = 0; i < table_.words; ++i) {
      const uint64_t offset = (uint64_t{slot} * table_.words + i) * table_.word_bytes;
      llvm::Value* word = b.CreateZExt(b.loadAt(bucket, offset, table_.word_bytes), b.getInt64Ty());
      word = b.CreateXor(word, key_[i]);
      difference = difference ? b.CreateOr(difference, word) : word;
    }
    // Negative where there is no difference. One of 32 bits has no sign of its own.
    llvm::Value* equal = b.CreateSub(b.opaque(difference), b.u64(1));
    if (table_.word_bytes == 8)
      equal = b.CreateAnd(equal, b.CreateNot(difference));
    if (wanted_ == Wanted::number) {
      llvm::Value* number = b.CreateAdd(b.CreateMul(index, b.u64(table_.slots)), b.u64(from));
      equal = b.CreateAnd(b.CreateAShr(b.opaque(equal), 63), number);
    }
    found_ = found_ ? b.CreateOr(found_, equal) : equal;
  }

  Builder& b;
  const plan::HashTable& table_;
  const Words& key_;
  const Wanted wanted_;
  llvm::Value* found_ = nullptr;
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

llvm::Value* hashOf(Builder& b, const Words& key, uint64_t seed, plan::HashOf which) {
  llvm::Value* hash = nullptr;
  for (size_t i = 0; i < key.size(); ++i) {
    llvm::Value* word = key.size() > 1 ? b.CreateXor(key[i], b.CreateLShr(key[i], 32)) : key[i];
    llvm::Value* product = b.CreateMul(word, b.u64(plan::hashFactor(seed, i, which)));
    hash = hash ? b.CreateAdd(hash, product) : product;
  }
  return hash;
}

llvm::Value* partOf(Builder& b, llvm::Value* hash, uint32_t count) {
  llvm::Value* upper = b.opaque(b.CreateLShr(hash, 32));
  return b.opaque(b.CreateLShr(b.opaque(b.CreateMul(upper, b.u64(count))), 32));
}

llvm::Value* lowerHash(Builder& b, const plan::HashTable& table, const Words& key, Wanted wanted) {
  return Hashing(b, table, key, wanted).run();
}

llvm::Value* lowerQuotient(Builder& b, const plan::QuotientTable& table, llvm::Value* key) {
  return Quotients(b, table, key).run();
}

} // namespace xdpc::lower
