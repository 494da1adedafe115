// Builds one cut tree: each node by the cut that is likely to make a lookup fastest for the bytes that it takes.
// Private to plan/classifier_tree.cpp.
#pragma once

#include "compiler/plan/classifier_cut.h"
#include "compiler/plan/classifier_partition.h"

#include <optional>
#include <unordered_map>

namespace xdpc::plan {

// Of all trees for some rows. Where they do not fit, bytes are worth more.
struct Budget {
  size_t nodes = 0, refs = 0; // refs: rows in lists
  double byte_cost = 0.05;
  bool last = false; // nothing is tried behind it: a tree that seems to grow too large is built to its end
};

class TreeBuilder {
public:
  TreeBuilder(const TreeRows& rows, Forest& forest, Budget budget)
      : rows_(rows), forest_(forest), chooser_(rows, budget.byte_cost), budget_(budget) {}

  // The root's number; nothing if some leaf would be too long, or the tree too large.
  std::optional<uint32_t> build(std::span<const uint32_t> numbers);
  unsigned depth() const { return depth_; } // of nodes on the way to a leaf
  double averageCost() const { return weight_ > 0 ? cost_ / weight_ : 0; }

private:
  // What a node is made of: it is made once.
  struct Content {
    Rows numbers;
    std::vector<uint32_t> bounds; // what of the region tells these rows apart
    bool operator==(const Content&) const = default;
  };
  struct Hash {
    size_t operator()(const Rows& rows) const;
    size_t operator()(const Content& content) const;
  };
  // Rows of the children, one after the other.
  struct Children {
    Rows rows;
    std::vector<uint32_t> behind;
    std::span<const uint32_t> operator[](size_t child) const;
  };

  // Where it is found again, it may lie deeper than where it was made.
  struct Made {
    uint64_t node = 0;
    unsigned height = 0; // of nodes on the way to a leaf
  };

  using Numbers = std::span<const uint32_t>; // of rows, ascending

  Made node(Numbers all, const Region& region, unsigned depth);
  std::vector<uint32_t> boundsOf(Numbers numbers, const Region& region) const;
  bool covers(uint32_t row, const Region& region) const;
  bool shadows(uint32_t earlier, uint32_t later, const Region& region) const;
  bool goesOn(uint32_t row) const { return !rows_.goes_on.empty() && rows_.goes_on[row]; }
  void findVisible(Numbers all, const Region& region);
  uint64_t leaf(Numbers numbers, unsigned depth);
  uint64_t inlined(Numbers numbers) const;
  uint64_t listed(Numbers numbers);
  Made inner(Numbers numbers, const Region& region, const Cut& cut, unsigned depth);
  bool isHopeless(size_t below, size_t done, size_t all) const;
  uint64_t nodeOf(const Cut& cut, uint32_t base) const;
  Children distribute(Numbers numbers, const Region& region, const Cut& cut);

  const TreeRows& rows_;
  Forest& forest_;
  CutChooser chooser_;
  const Budget budget_;
  std::unordered_map<Rows, uint32_t, Hash> lists_;
  std::unordered_map<Content, Made, Hash> inner_;
  Rows visible_;                                      // of the node that is looked at: most are leaves and keep none
  std::vector<std::pair<CutRange, CutRange>> ranges_; // across and along, by row that is distributed
  double weight_ = 0, cost_ = 0;
  unsigned depth_ = 0;
  bool failed_ = false;
};

} // namespace xdpc::plan
