// Cuts the key to each combination of lengths: those of the policy's own statements, then those of the list.
#include "compiler/lower/length_list.h"
#include "runtime/abi/length_list.h"

namespace xdpc::lower {
namespace {

// Constants, or loaded from the list.
struct Entry {
  llvm::Value *families = nullptr, *rank = nullptr, *form = nullptr;
  std::vector<llvm::Value*> masks, forms;
};

class Lookup {
public:
  Lookup(Builder& b, const plan::SetPlan& plan, const abi::KeyType& type, const KeyWords& key, llvm::Value* families,
         llvm::Function* probe, llvm::BasicBlock* yes)
      : b(b), plan_(plan), type_(type), key_(key), families_(families), probe_(probe), yes_(yes) {}

  // Goes on in a block where no element was found, or where `longest` says which.
  void run(llvm::AllocaInst* longest) {
    longest_ = longest;
    const unsigned parts = abi::prefixParts(type_);
    for (size_t at = 0; at + parts <= plan_.probes.size(); at += parts) {
      const auto first = plan_.probes.begin() + static_cast<ptrdiff_t>(at);
      tryEntry(constant(abi::lengthEntry(type_, {first, first + parts})));
    }
    tryList();
  }

private:
  Entry constant(const abi::LengthEntry& entry) {
    Entry made{b.u64(entry.families), b.u64(entry.rank), b.u64(entry.form), {}, {}};
    for (size_t word = 0; word < entry.masks.size(); ++word) {
      made.masks.push_back(b.u64(entry.masks[word]));
      made.forms.push_back(b.u64(entry.forms[word]));
    }
    return made;
  }

  llvm::Value* load(llvm::Value* at, uint64_t offset) {
    auto* load = b.CreateAlignedLoad(b.getInt64Ty(), b.at(at, offset), llvm::Align(8));
    load->setVolatile(true); // user space changes the list at the same time, `families` last
    return load;
  }

  Entry loaded(llvm::Value* at) {
    Entry made{load(at, abi::kFamiliesOffset), load(at, abi::kRankOffset), load(at, abi::kFormOffset), {}, {}};
    const auto words = static_cast<unsigned>(key_.words.size());
    for (unsigned word = 0; word < words; ++word) {
      made.masks.push_back(load(at, abi::kMasksOffset + 8 * word));
      made.forms.push_back(load(at, abi::kMasksOffset + 8 * (words + word)));
    }
    return made;
  }

  // Goes on in a new block.
  void tryEntry(const Entry& entry) {
    auto *same = b.block("lengths"), *found = longest_ ? b.block("found") : yes_, *next = b.block("next");
    b.CreateCondBr(b.CreateICmpEQ(entry.families, families_), same, next);
    b.startBlock(same);
    KeyWords cut{entry.form, {}};
    for (size_t word = 0; word < key_.words.size(); ++word)
      cut.words.push_back(b.CreateOr(b.CreateAnd(key_.words[word], entry.masks[word]), entry.forms[word]));
    callTableFunction(b, probe_, cut, b.u64(0), found, next);
    if (longest_) {
      b.startBlock(found);
      keepLonger(entry, cut, next);
    }
    b.startBlock(next);
  }

  void keepLonger(const Entry& entry, const KeyWords& cut, llvm::BasicBlock* next) {
    auto* longer = b.block("longer");
    b.CreateCondBr(b.CreateICmpUGT(entry.rank, b.loadAt(longest_, 0, 8)), longer, next);
    b.startBlock(longer);
    b.storeAt(longest_, 0, entry.rank);
    b.storeAt(longest_, 8, cut.form);
    for (size_t word = 0; word < cut.words.size(); ++word)
      b.storeAt(longest_, 16 + 8 * word, cut.words[word]);
    b.CreateBr(next);
  }

  void tryList() {
    auto *there = b.block("list"), *turn = b.block("turn"), *inside = b.block("entry"), *done = b.block("done");
    llvm::Value* index = b.scratch(4);
    b.storeAt(index, 0, b.u32(0));
    llvm::Value* list = b.call(BpfHelper::map_lookup_elem, {b.map(*plan_.lengths), index});
    b.CreateCondBr(b.CreateIsNull(list), done, there);
    b.startBlock(there);
    llvm::Value* count = load(list, 0);
    b.CreateBr(turn);
    b.startBlock(turn);
    auto* number = b.CreatePHI(b.getInt64Ty(), 2);
    auto* offset = b.CreatePHI(b.getInt64Ty(), 2);
    number->addIncoming(b.u64(0), there);
    offset->addIncoming(b.u64(0), there);
    b.CreateCondBr(b.CreateICmpULT(number, count), inside, done);
    b.startBlock(inside);
    const abi::LengthLayout layout = abi::lengthLayout(type_);
    tryEntry(loaded(b.at(b.at(list, layout.entryOffset(0)), offset)));
    auto* last = b.GetInsertBlock();
    llvm::Value* following = b.CreateAdd(number, b.u64(1));
    number->addIncoming(following, last);
    offset->addIncoming(b.opaque(b.CreateAdd(offset, b.u64(layout.entryBytes()))), last);
    b.CreateCondBr(b.CreateICmpULT(following, b.u64(abi::kMaxLengths)), turn, done);
    b.startBlock(done);
  }

  Builder& b;
  const plan::SetPlan& plan_;
  const abi::KeyType& type_;
  const KeyWords& key_;
  llvm::Value* families_;
  llvm::Function* probe_;
  llvm::BasicBlock* yes_;
  llvm::AllocaInst* longest_ = nullptr; // rank, form and words of its key; null: any will do
};

// Zero bytes for the longest element so far.
llvm::AllocaInst* makeLongest(Builder& b, size_t words) {
  llvm::BasicBlock& first = b.function().getEntryBlock();
  llvm::IRBuilder<> entry(&first, first.begin());
  auto* longest = entry.CreateAlloca(llvm::ArrayType::get(b.getInt64Ty(), 2 + words));
  longest->setAlignment(llvm::Align(8));
  for (size_t word = 0; word < 2 + words; ++word)
    b.storeAt(longest, 8 * word, b.u64(0));
  return longest;
}

void lookUp(Builder& b, const plan::SetPlan& plan, const abi::KeyType& type, const KeyWords& key, llvm::Value* extra,
            llvm::Function* probe, const KeyProbe& hit, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  auto* longest = hit ? makeLongest(b, key.words.size()) : nullptr;
  Lookup(b, plan, type, key, b.CreateLShr(extra, kFamiliesAt), probe, yes).run(longest);
  if (!hit)
    return void(b.CreateBr(no));
  auto* found = b.block("found");
  b.CreateCondBr(b.CreateICmpNE(b.loadAt(longest, 0, 8), b.u64(0)), found, no);
  b.startBlock(found);
  b.length = b.CreateAnd(extra, (uint64_t{1} << kFamiliesAt) - 1);
  KeyWords cut{b.loadAt(longest, 8, 8), {}};
  for (size_t word = 0; word < key.words.size(); ++word)
    cut.words.push_back(b.loadAt(longest, 16 + 8 * word, 8));
  hit(b, cut, yes, yes); // it has ended since: the packet was in the set
}

} // namespace

llvm::Function* makeLengthFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, uint32_t id, const LengthProbes& probes) {
  const ir::Set& set = program.policy->sets[id];
  llvm::Function* probe = makeTableFunction(program, module, debug, globals, "probe_" + set.name, set.span, set.key,
                                            [&](Builder& b, const KeyWords& key, llvm::Value*, llvm::BasicBlock* yes,
                                                llvm::BasicBlock* no) { probes.probe(b, key, yes, no); });
  return makeTableFunction(
      program, module, debug, globals, "in_" + set.name, set.span, set.key,
      [&](Builder& b, const KeyWords& key, llvm::Value* extra, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
        lookUp(b, program.sets[id], set.key, key, extra, probe, probes.hit, yes, no);
      });
}

llvm::Value* lengthExtra(Builder& b, const abi::KeyType& type, const std::vector<Value>& key) {
  uint64_t families = 0;
  unsigned part = 0;
  for (size_t i = 0; i < key.size(); ++i)
    if (abi::isPrefix(type.parts[i]))
      families |= uint64_t{key[i].kind == Value::Kind::v6} << part++;
  return b.CreateOr(b.length, families << kFamiliesAt);
}

} // namespace xdpc::lower
