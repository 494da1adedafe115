// Walks the graph of headers.
#include "compiler/plan/classifier_signature.h"

#include <algorithm>

namespace xdpc::plan {
namespace {

class Reachable {
public:
  Reachable(const ir::Policy& policy, const std::vector<ir::HeaderId>& atoms) : policy_(policy) {
    for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
      bits_.push_back(signatureOf(policy, atoms, id));
  }

  std::set<uint64_t> run() {
    signatures_.insert(0);
    visit(0, 0);
    return std::move(signatures_);
  }

private:
  void visit(ir::HeaderId id, uint64_t signature) {
    signature |= bits_[id];
    if (!seen_.insert({id, signature}).second)
      return;
    signatures_.insert(signature);
    for (const ir::PayloadBy& payload : policy_.headers[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (!entry.tunnel)
          visit(entry.next, signature);
    for (const ir::Inner& inner : policy_.headers[id].inner)
      visit(inner.entered, signature);
    if (const auto owner = policy_.headers[id].extension_of) // what it selects stands in its owner's table
      for (const ir::PayloadBy& payload : policy_.headers[*owner].payload)
        for (const ir::PayloadEntry& entry : payload.entries)
          if (!entry.tunnel)
            visit(entry.next, signature);
  }

  const ir::Policy& policy_;
  std::vector<uint64_t> bits_; // by header
  std::set<std::pair<ir::HeaderId, uint64_t>> seen_;
  std::set<uint64_t> signatures_;
};

} // namespace

uint64_t signatureOf(const ir::Policy& policy, const std::vector<ir::HeaderId>& atoms, ir::HeaderId header) {
  uint64_t signature = 0;
  for (size_t bit = 0; bit < atoms.size(); ++bit) {
    const auto& alternatives = policy.headers[atoms[bit]].alternatives;
    if (atoms[bit] == header || std::ranges::find(alternatives, header) != alternatives.end())
      signature |= uint64_t{1} << bit;
  }
  return signature;
}

std::set<uint64_t> possibleSignatures(const ir::Policy& policy, const std::vector<ir::HeaderId>& atoms) {
  return Reachable(policy, atoms).run();
}

} // namespace xdpc::plan
