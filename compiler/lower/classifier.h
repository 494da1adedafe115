// Runs of rules that are tables: the function that walks a view's trees, and what a leaf of the parser does with its
// answer. Entry points: makeClassifierFunctions, lowerClassifier. Tested by tests/packet/classifiers and
// tests/classbench.
#pragma once

#include "compiler/lower/on_verdict.h"
#include "compiler/lower/value.h"
#include "compiler/plan/classifier.h"

#include <functional>

namespace xdpc::lower {

void makeClassifierFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

// Lowers what a rule does whose boxes have matched, in a block of its own; to `next` where it does not end the packet.
using BodyLowering = std::function<void(const plan::ClassifierBody&, llvm::Value* slot, llvm::BasicBlock* next)>;

// How many words of 32 bits the key has in memory: one for each lane, and an even number.
unsigned keyLanes(const plan::ClassifierView& view);

// What a value of the key is, and how many of its low bits are left out; nothing for one that the packet lacks.
struct ReadLane {
  Value value;
  unsigned dropped = 0;
};
using LaneReader = std::function<std::optional<ReadLane>(uint32_t value)>;
// Stores each lane's bits by themselves; 0 where there is no value.
void storeLanes(Builder& builder, const plan::ClassifierView& view, llvm::Value* key, const LaneReader& read);
// What the view's function says of the key: a plan::ClassifierResult, 0 for none (i64).
llvm::Value* askClassifier(Builder& builder, const plan::ClassifierView& view, const plan::ClassifierRoot& root,
                           llvm::Value* key, llvm::Value* from);

// The run's rules; goes on in a block where none of them has ended the packet.
void lowerClassifier(Builder& builder, const Packet& packet, const plan::Classifier& classifier, Verdicts& verdicts,
                     const BodyLowering& body);

// What the headers of this leaf come to; null where no packet has them together.
const plan::ClassifierRoot* rootFor(const ir::Policy& policy, const Packet& packet, const plan::Classifier& classifier);

} // namespace xdpc::lower
