// Runs of rules that are tables: the function that walks a view's trees, and what a leaf of the parser does with its
// answer. Entry points: makeClassifierFunctions, lowerClassifier. Tested by tests/packet/classifiers and
// tests/classbench.
#pragma once

#include "compiler/lower/on_verdict.h"
#include "compiler/plan/classifier.h"

namespace xdpc::lower {

void makeClassifierFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

// The run's rules; goes on in a block where none of them has ended the packet.
void lowerClassifier(Builder& builder, const Packet& packet, const plan::Classifier& classifier, Verdicts& verdicts);

// What the headers of this leaf come to; null where no packet has them together.
const plan::ClassifierRoot* rootFor(const ir::Policy& policy, const Packet& packet,
                                    const plan::Classifier& classifier);

} // namespace xdpc::lower
