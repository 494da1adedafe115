// The function that takes a place in a table. The kernel verifies it once, by itself; its loops choose by arithmetic,
// so that no choice doubles the states.
#include "compiler/lower/table_insert.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kSpins = 24; // on a lock that another CPU holds for some 100 ns: each takes some 10
constexpr uint64_t kLanes = 0x0001'0001'0001'0001;

class Insert {
public:
  Insert(Builder& b, const TableRef& table, const InsertRules& rules) : b(b), table_(table), rules_(rules) {}

  void run() {
    leave_ = b.block("leave");
    now_ = b.function().getArg(2);
    word_ = b.function().getArg(3);
    second_ = b.function().getArg(4);
    auto* gone = b.block("gone");
    readKey(gone);
    const Placement at = placeKey(b, table_, hashKey(b, key_));
    tag_ = at.tag;
    buckets_.push_back(bucketAt(b, table_, at.first, gone));
    if (table_.buckets > 1)
      buckets_.push_back(bucketAt(b, table_, at.second, gone));
    takeLocks(at);
    lookAgain();
    choose();
    b.startBlock(gone);
    b.CreateRet(answer(Inserted::full));
    finish();
  }

private:
  llvm::Value* answer(Inserted inserted) { return b.u32(static_cast<uint32_t>(inserted)); }
  // Leaves, with the locks released.
  void leave(Inserted inserted) { leave(answer(inserted)); }
  void leave(llvm::Value* inserted) {
    answers_.push_back({inserted, b.GetInsertBlock()});
    b.CreateBr(leave_);
  }

  void readKey(llvm::BasicBlock* gone) {
    llvm::Value* words = b.function().getArg(0);
    auto* there = b.block("key");
    b.CreateCondBr(b.CreateIsNull(words), gone, there);
    b.startBlock(there);
    key_.form = b.function().getArg(1);
    for (unsigned i = 0; i < table_.layout.key_words; ++i)
      key_.words.push_back(b.loadAt(words, 8 * i, 8));
  }

  void takeLocks(const Placement& at) {
    auto* contended = b.block("contended");
    if (buckets_.size() == 1) {
      locks_ = {buckets_[0]};
      takeLock(locks_[0], contended);
    } else {
      // The lower bucket first: two CPUs with the same two never wait for each other.
      llvm::Value* ordered = b.CreateICmpULT(at.first, at.second);
      locks_ = {b.CreateSelect(ordered, buckets_[0], buckets_[1]), b.CreateSelect(ordered, buckets_[1], buckets_[0])};
      auto* one_only = b.block("one.only");
      takeLock(locks_[0], contended);
      takeLock(locks_[1], one_only);
      auto* both = b.GetInsertBlock();
      b.startBlock(one_only);
      release(locks_[0]);
      b.CreateBr(contended);
      b.startBlock(both);
    }
    auto* held = b.GetInsertBlock();
    b.startBlock(contended);
    b.CreateRet(answer(Inserted::contended));
    b.startBlock(held);
  }

  void takeLock(llvm::Value* bucket, llvm::BasicBlock* fails) {
    llvm::Value* lock = b.at(bucket, abi::kLockOffset);
    auto *before = b.GetInsertBlock(), *turn = b.block("lock"), *held = b.block("lock.held"),
         *over = b.block("lock.over"), *more = b.block("lock.more"), *taken = b.block("locked");
    b.CreateBr(turn);
    b.startBlock(turn);
    auto* spins = b.CreatePHI(b.getInt32Ty(), 2);
    spins->addIncoming(b.u32(0), before);
    auto* swap = exchange(lock, b.u64(0), b.u64(abi::kLockedByProgram));
    b.CreateCondBr(b.CreateExtractValue(swap, 1), taken, more);
    b.startBlock(more);
    llvm::Value* next = b.CreateAdd(spins, b.u32(1));
    spins->addIncoming(next, more);
    b.CreateCondBr(b.CreateICmpULT(next, b.u32(kSpins)), turn, held);

    // A command that was killed in the middle left its lock behind. Its clock is not a test's.
    b.startBlock(held);
    llvm::Value* owner = b.CreateExtractValue(swap, 0);
    llvm::Value* by_user = b.CreateICmpEQ(b.CreateAnd(owner, 3), b.u64(3));
    llvm::Value* old = b.CreateICmpUGT(b.CreateSub(now_, b.CreateLShr(owner, 2)), b.u64(abi::kLockTaken));
    b.CreateCondBr(b.CreateAnd(b.CreateAnd(by_user, old), b.CreateNot(b.testMode())), over, fails);
    b.startBlock(over);
    auto* takeover = exchange(lock, owner, b.u64(abi::kLockedByProgram));
    b.CreateCondBr(b.CreateExtractValue(takeover, 1), taken, fails);
    b.startBlock(taken);
  }

  void release(llvm::Value* bucket) { store(b.at(bucket, abi::kLockOffset), b.u64(0)); }

  // A store behind all that came before it, on every machine.
  void store(llvm::Value* pointer, llvm::Value* value) {
    b.CreateAtomicRMW(llvm::AtomicRMWInst::Xchg, pointer, value, llvm::Align(8),
                      llvm::AtomicOrdering::SequentiallyConsistent);
  }

  llvm::AtomicCmpXchgInst* exchange(llvm::Value* pointer, llvm::Value* from, llvm::Value* to) {
    return b.CreateAtomicCmpXchg(pointer, from, to, llvm::Align(8), llvm::AtomicOrdering::SequentiallyConsistent,
                                 llvm::AtomicOrdering::SequentiallyConsistent);
  }

  void lookAgain() {
    auto *exists = b.block("exists"), *absent = b.block("absent");
    const auto look = [&](llvm::Value* bucket, llvm::BasicBlock* none) {
      forCandidates(b, bucket, tagMask(b, bucket, tag_), none, [&](const Place& place, const Candidates& on) {
        b.CreateCondBr(b.CreateICmpEQ(keyDifference(b, table_, place, key_), b.u64(0)), exists, on.next);
      });
    };
    if (buckets_.size() > 1)
      forBoth(b, {buckets_[0], buckets_[1]}, absent, look);
    else
      look(buckets_[0], absent);
    b.startBlock(exists);
    leave(Inserted::exists);
    b.startBlock(absent);
  }

  // Places of a mask (i64).
  llvm::Value* count(llvm::Value* mask) {
    llvm::Value* lanes = b.u64(0);
    for (unsigned word = 0; word < 4; ++word)
      lanes = b.CreateAdd(lanes, b.CreateAnd(b.CreateLShr(mask, word), kLanes));
    return b.opaque(b.CreateLShr(b.CreateMul(lanes, b.u64(kLanes)), 48));
  }

  void choose() {
    take_ = b.block("take");
    b.startBlock(chooseUnused());
    if (rules_.kind == StateKind::counter)
      leave(Inserted::full); // a count never rests
    else
      chooseResting();
    take();
  }

  // The block without an unused place.
  llvm::BasicBlock* chooseUnused() {
    std::vector<llvm::Value*> masks;
    llvm::Value* any = b.u64(0);
    for (llvm::Value* bucket : buckets_) {
      masks.push_back(tagMask(b, bucket, b.u64(0)));
      any = b.CreateOr(any, masks.back());
    }
    auto *unused = b.block("unused"), *none = b.block("all.used");
    b.CreateCondBr(b.CreateICmpNE(any, b.u64(0)), unused, none);
    b.startBlock(unused);
    if (buckets_.size() == 1) {
      takeFrom(buckets_[0], placeOfLowest(b, masks[0]));
    } else {
      auto *first = b.block("unused.first"), *second = b.block("unused.second");
      b.CreateCondBr(b.CreateICmpULT(count(masks[0]), count(masks[1])), second, first);
      b.startBlock(first);
      takeFrom(buckets_[0], placeOfLowest(b, masks[0]));
      b.startBlock(second);
      takeFrom(buckets_[1], placeOfLowest(b, masks[1]));
    }
    return none;
  }

  void takeFrom(llvm::Value* bucket, llvm::Value* number) { takeFrom(bucket, number, answer(Inserted::placed)); }
  void takeFrom(llvm::Value* bucket, llvm::Value* number, llvm::Value* inserted) {
    auto* word = b.CreateAlignedLoad(b.getInt64Ty(), wordAt(b, table_, {bucket, number}), llvm::Align(8));
    word->setVolatile(true);
    chosen_.push_back({{bucket, number}, word, inserted, b.GetInsertBlock()});
    b.CreateBr(take_);
  }

  // Of a place that is so far from rest (i64).
  llvm::Value* placedIn(llvm::Value* distance) {
    if (!rules_.evicts)
      return answer(Inserted::placed);
    constexpr auto kMore = static_cast<uint32_t>(Inserted::evicted) - static_cast<uint32_t>(Inserted::placed);
    llvm::Value* live = b.opaque(b.isLess(b.u64(0), distance));
    return b.CreateAdd(b.CreateTrunc(b.CreateMul(live, b.u64(kMore)), b.getInt32Ty()), answer(Inserted::placed));
  }

  // How far a word is from rest (i64, below 2^63).
  llvm::Value* distance(llvm::Value* word) {
    if (rules_.kind == StateKind::set) {
      llvm::Value* end = b.CreateLShr(word, 1);
      return b.CreateMul(end, b.opaque(b.isLess(b.CreateLShr(now_, 1), end)));
    }
    llvm::Value* ahead = b.CreateSub(word, b.CreateShl(now_, abi::kMeterShift));
    llvm::Value* wrapped = b.CreateLShr(ahead, 63);
    llvm::Value* farthest = b.parameter("farthest", rules_.window + abi::kMeterSlack);
    llvm::Value* beyond = b.isLess(farthest, b.CreateAnd(ahead, ~(uint64_t{1} << 63)));
    llvm::Value* counts = b.opaque(b.CreateXor(b.CreateOr(wrapped, beyond), b.u64(1)));
    return b.CreateMul(ahead, counts);
  }

  struct Nearest {
    llvm::Value *distance, *number; // the number over both buckets
  };

  // Looks at all places of both buckets, up to one at rest. Goes on in a new block.
  Nearest scan() {
    const bool both = buckets_.size() > 1;
    auto *before = b.GetInsertBlock(), *turn = b.block("scan"), *done = b.block("scanned");
    b.CreateBr(turn);
    b.startBlock(turn);
    auto* place = b.CreatePHI(b.getInt64Ty(), 2);
    auto* distance_so_far = b.CreatePHI(b.getInt64Ty(), 2);
    auto* number_so_far = b.CreatePHI(b.getInt64Ty(), 2);
    place->addIncoming(b.u64(0), before);
    distance_so_far->addIncoming(b.u64(~uint64_t{0} >> 1), before);
    number_so_far->addIncoming(b.u64(0), before);
    llvm::Value* bucket =
        both ? b.CreateSelect(b.CreateICmpULT(place, b.u64(abi::kWays)), buckets_[0], buckets_[1]) : buckets_[0];
    llvm::Value* number = both ? b.CreateAnd(place, abi::kWays - 1) : static_cast<llvm::Value*>(place);
    auto* word = b.CreateAlignedLoad(b.getInt64Ty(), wordAt(b, table_, {bucket, number}), llvm::Align(8));
    word->setVolatile(true);
    llvm::Value* here = b.opaque(distance(word));
    // Opaque, and so a product stays one: newer verifiers walk on twice behind an AND of 0 or -1.
    llvm::Value* nearer = b.opaque(b.isLess(here, distance_so_far));
    llvm::Value* closer = b.opaque(b.CreateMul(b.CreateSub(here, distance_so_far), nearer));
    llvm::Value* distance = b.opaque(b.CreateAdd(distance_so_far, closer));
    llvm::Value* step = b.opaque(b.CreateMul(b.CreateSub(place, number_so_far), nearer));
    llvm::Value* nearest = b.opaque(b.CreateAdd(number_so_far, step));
    llvm::Value* next = b.CreateAdd(place, b.u64(1));
    llvm::Value* more =
        b.CreateAnd(b.CreateICmpULT(next, b.u64(buckets_.size() * abi::kWays)), b.CreateICmpNE(distance, b.u64(0)));
    place->addIncoming(next, turn);
    distance_so_far->addIncoming(distance, turn);
    number_so_far->addIncoming(nearest, turn);
    b.CreateCondBr(more, turn, done);
    b.startBlock(done);
    return {distance, nearest};
  }

  void chooseResting() {
    const Nearest nearest = scan();
    if (!rules_.evicts) {
      auto *resting = b.block("resting"), *full = b.block("full");
      b.CreateCondBr(b.CreateICmpEQ(nearest.distance, b.u64(0)), resting, full);
      b.startBlock(full);
      leave(Inserted::full);
      b.startBlock(resting);
    }
    llvm::Value* inserted = placedIn(nearest.distance);
    llvm::Value* number = b.opaque(b.CreateAnd(nearest.number, abi::kWays - 1));
    if (buckets_.size() == 1)
      return takeFrom(buckets_[0], number, inserted);
    auto *first = b.block("resting.first"), *second = b.block("resting.second");
    b.CreateCondBr(b.CreateICmpULT(nearest.number, b.u64(abi::kWays)), first, second);
    b.startBlock(first);
    takeFrom(buckets_[0], number, inserted);
    b.startBlock(second);
    takeFrom(buckets_[1], number, inserted);
  }

  // The chosen place, unless its key comes back at this very moment: then the caller asks again.
  void take() {
    b.startBlock(take_);
    auto* bucket = b.CreatePHI(b.getPtrTy(), 4);
    auto* number = b.CreatePHI(b.getInt64Ty(), 4);
    auto* old = b.CreatePHI(b.getInt64Ty(), 4);
    auto* inserted = b.CreatePHI(b.getInt32Ty(), 4);
    for (const Chosen& chosen : chosen_) {
      bucket->addIncoming(chosen.place.bucket, chosen.block);
      number->addIncoming(chosen.place.number, chosen.block);
      old->addIncoming(chosen.word, chosen.block);
      inserted->addIncoming(chosen.inserted, chosen.block);
    }
    const Place place{bucket, b.opaque(b.CreateAnd(number, abi::kWays - 1))};
    if (rules_.kind == StateKind::counter) {
      fill(place, word_);
      return leave(Inserted::placed);
    }
    auto *ours = b.block("ours"), *lost = b.block("lost");
    auto* swap = exchange(wordAt(b, table_, place), old, b.u64(abi::kBusy));
    b.CreateCondBr(b.CreateExtractValue(swap, 1), ours, lost);
    b.startBlock(ours);
    // Another word than it had, so that who read it before sees that the place is another key's.
    llvm::Value* same = b.CreateZExt(b.CreateICmpEQ(word_, old), b.getInt64Ty());
    fill(place, b.CreateSub(word_, same));
    leave(inserted);

    b.startBlock(lost);
    leave(Inserted::exists);
  }

  void fill(const Place& place, llvm::Value* word) {
    const auto write = [&](llvm::Value* pointer, llvm::Value* value, unsigned bytes) {
      auto* made = b.CreateAlignedStore(b.CreateTrunc(value, b.getIntNTy(8 * bytes)), pointer, llvm::Align(bytes));
      made->setVolatile(true);
    };
    for (unsigned i = 0; i < key_.words.size(); ++i)
      write(keyAt(b, table_, place, i), key_.words[i], table_.layout.key_stride == 4 ? 4 : 8);
    write(b.at(b.at(place.bucket, place.number), abi::kFormsOffset), key_.form, 1);
    for (unsigned column = 1; column < table_.layout.columns; ++column)
      write(wordAt(b, table_, place, column), column == 1 ? second_ : b.u64(0), 8);
    if (rules_.kind == StateKind::counter) // whose tag says that it is there
      write(wordAt(b, table_, place), word, 8);
    llvm::Value* position =
        b.CreateAnd(b.CreateLShr(b.u64(abi::kTagPositions), b.CreateMul(place.number, b.u64(4))), b.u64(15));
    write(b.at(b.at(place.bucket, b.CreateMul(b.opaque(position), b.u64(2))), abi::kTagsOffset), tag_, 2);
    if (rules_.kind != StateKind::counter)
      store(wordAt(b, table_, place), word);
  }

  void finish() {
    b.startBlock(leave_);
    auto* result = b.CreatePHI(b.getInt32Ty(), 4);
    for (auto [value, block] : answers_)
      result->addIncoming(value, block);
    for (llvm::Value* bucket : locks_)
      release(bucket);
    b.CreateRet(result);
  }

  struct Chosen {
    Place place;
    llvm::Value *word, *inserted;
    llvm::BasicBlock* block;
  };

  Builder& b;
  const TableRef& table_;
  const InsertRules& rules_;
  KeyWords key_;
  llvm::Value *now_ = nullptr, *word_ = nullptr, *second_ = nullptr, *tag_ = nullptr;
  std::vector<llvm::Value*> buckets_, locks_;
  std::vector<Chosen> chosen_;
  std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> answers_;
  llvm::BasicBlock *take_ = nullptr, *leave_ = nullptr;
};

} // namespace

llvm::Function* makeInsertFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, const std::string& name, Span place, const TableRef& table,
                                   const InsertRules& rules) {
  auto& context = module.getContext();
  auto* u64 = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context),
                                       {llvm::PointerType::get(context, 0), u64, u64, u64, u64}, false);
  // Weak, as in key_function.cpp.
  auto* function = llvm::Function::Create(type, llvm::Function::WeakAnyLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  Builder b(program, module, *function, globals);
  debug.enterPointerFunction(*function, 8 * table.layout.key_words, 4);
  b.startBlock(b.block("entry"));
  debug.setPlace(b, place);
  Insert(b, table, rules).run();
  return function;
}

llvm::Value* callInsert(Builder& b, llvm::Function* function, const KeyWords& key, llvm::Value* now, llvm::Value* word,
                        llvm::Value* second) {
  llvm::Value* words = b.scratch(static_cast<unsigned>(8 * key.words.size()));
  for (unsigned i = 0; i < key.words.size(); ++i)
    b.storeAt(words, 8 * i, key.words[i]);
  return b.CreateCall(function, {words, key.form, now, word, second});
}

void answerEvicted(Builder& b, llvm::SwitchInst& answers, std::optional<uint32_t> slot, llvm::BasicBlock* placed) {
  if (!slot)
    return;
  auto* evicted = b.block("evicted");
  answers.addCase(b.getInt32(static_cast<uint32_t>(Inserted::evicted)), evicted);
  b.startBlock(evicted);
  b.countEvent(*slot);
  b.CreateBr(placed);
}

} // namespace xdpc::lower
