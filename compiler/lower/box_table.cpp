// Asks the function of a tree.
#include "compiler/lower/box_table.h"
#include "compiler/lower/classifier.h"
#include "compiler/lower/table.h"

#include <algorithm>

namespace xdpc::lower {
llvm::Value* lowerBoxLookup(Builder& b, const plan::BoxTable& table, const std::vector<Value>& key) {
  std::vector<ir::Domain> domains;
  for (const Value& part : key)
    domains.push_back(domainOf(part));
  const auto shape = std::ranges::find(table.shapes, domains, &plan::BoxShape::domains);
  if (shape == table.shapes.end())
    return b.u64(0);
  const plan::ClassifierView& view = shape->tree.views[0];
  llvm::Value* words = b.scratch(keyLanes(view) * 4);
  storeLanes(b, view, words, [&](uint32_t part) { return std::optional(ReadLane{key[part], 0}); });
  llvm::Value* result = askClassifier(b, view, shape->tree.roots.at(0), words, b.u64(0));
  llvm::Value* slot =
      b.CreateAnd(b.CreateLShr(result, plan::ClassifierResult::kSlotAt), plan::ClassifierResult::kMaxSlots - 1);
  return b.CreateAdd(slot, b.CreateLShr(result, 63));
}

} // namespace xdpc::lower
