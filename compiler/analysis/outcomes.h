// Verdicts in the order in which a packet may come to them, each with the conditions that lead there.
#pragma once

#include "compiler/analysis/kinds.h"

namespace xdpc::analysis {

struct Outcome {
  struct Term {
    const ir::Expr* condition;
    bool negated; // in an `else`
  };
  const ir::Block* block; // that ends in the verdict
  std::vector<Term> path;
  bool metered = false; // the conditions are not all
};

std::vector<Outcome> outcomesOf(const ir::Policy& policy);

// Whether packets of the kind come to it, if nothing before it ended them.
Truth reaches(const ir::Policy& policy, const PacketKind& kind, const Outcome& outcome);

bool passes(const Outcome& outcome); // to the stack, out of an interface, to a CPU

} // namespace xdpc::analysis
