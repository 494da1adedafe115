// How far packets walk in the trees of a view: what is likely, from a sample of packets that rows hold. Private to
// plan/classifier_view.cpp.
#pragma once

#include "compiler/plan/classifier.h"
#include "compiler/plan/classifier_tree.h"

namespace xdpc::plan {

class Walks {
public:
  // Trees for rows with these numbers, in the forest.
  void add(const TreeRows& rows, std::span<const uint32_t> numbers, const Forest& forest, const Trees& trees);

  // By tree: how deep it is, and how many levels are best walked without asking whether there is more to walk.
  std::vector<ClassifierWalk> likely() const;

private:
  struct Tree {
    unsigned depth = 0;
    std::vector<double> leaves; // by depth: rows whose packets walk as far
  };
  std::vector<Tree> trees_;
};

} // namespace xdpc::plan
