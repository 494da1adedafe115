// The tables of keyed state (runtime/abi/keyed_table.h) in the data path: keys as words, and finding a key's place
// without a lock or a helper. What changes tables is in table_insert.h. Tested by tests/packet/sets and
// tests/packet/meters.
#pragma once

#include "compiler/lower/value.h"
#include "runtime/abi/keyed_table.h"

#include <functional>

namespace xdpc::lower {

// abi::TableKey as values, each i64.
struct KeyWords {
  llvm::Value* form = nullptr;
  std::vector<llvm::Value*> words;
};
KeyWords packKey(Builder& builder, const abi::KeyType& type, const std::vector<Value>& values);

struct TableRef {
  uint32_t map = 0; // index in the manifest
  uint32_t buckets = 1;
  abi::TableLayout layout;
};
TableRef tableRef(const Builder& builder, uint32_t map, const abi::KeyType& type, unsigned columns);

llvm::Value* hashKey(Builder& builder, const KeyWords& key);

// abi::Placement; `tag` is i64.
struct Placement {
  llvm::Value *first = nullptr, *second = nullptr, *tag = nullptr;
};
Placement placeKey(Builder& builder, const TableRef& table, llvm::Value* hash);

// A place of a bucket.
struct Place {
  llvm::Value* bucket = nullptr; // pointer
  llvm::Value* number = nullptr; // i64, which the verifier knows to be below kWays
};
llvm::Value* wordAt(Builder& builder, const TableRef& table, const Place& place, unsigned column = 0);
llvm::Value* keyAt(Builder& builder, const TableRef& table, const Place& place, unsigned word);
// Not 0 (i64) where the place has another key.
llvm::Value* keyDifference(Builder& builder, const TableRef& table, const Place& place, const KeyWords& key);

// A bucket by its number; to `gone`, which cannot happen, if the map has no such. Goes on in a new block.
llvm::Value* bucketAt(Builder& builder, const TableRef& table, llvm::Value* number, llvm::BasicBlock* gone);
// Bits 16 * lane + word (i64) where a bucket has the tag.
llvm::Value* tagMask(Builder& builder, llvm::Value* bucket, llvm::Value* tag);
llvm::Value* placeOfLowest(Builder& builder, llvm::Value* mask);

enum class FindFor {
  reading,  // the word read with the place is the key's: it was the same before and behind the compare
  changing, // the key was there; who changes the word sees whether it still is
};

struct FoundPlace {
  Place place;
  llvm::Value* word = nullptr; // its first
};
// Goes on in a new block where a place has the key; else to `missed`.
FoundPlace lowerFind(Builder& builder, const TableRef& table, const KeyWords& key, const Placement& at, FindFor purpose,
                     llvm::BasicBlock* missed);

// Where a look at a candidate goes on: to the next one, or to the same once more, which counts as one of kCandidates.
struct Candidates {
  llvm::BasicBlock *next = nullptr, *again = nullptr;
};
// Candidates of a tag in a bucket, each in turn: `body` gets the place, and ends with branches to where it goes on.
// Ends the block; `none` gets a branch behind the last one.
void forCandidates(Builder& builder, llvm::Value* bucket, llvm::Value* mask, llvm::BasicBlock* none,
                   const std::function<void(const Place&, const Candidates&)>& body);

// Runs `body`, which is made once, for both of a pair in turn; `body` branches to `next` behind each. Ends the block;
// `done` gets a branch behind the last one.
void forBoth(Builder& builder, const std::pair<llvm::Value*, llvm::Value*>& both, llvm::BasicBlock* done,
             const std::function<void(llvm::Value* one, llvm::BasicBlock* next)>& body);

} // namespace xdpc::lower
