// Which cut a node of a tree makes. Private to plan/classifier_tree.cpp.
#pragma once

#include "compiler/plan/classifier_tree.h"

#include <array>
#include <optional>

namespace xdpc::plan {

// `width` bits of a lane, the lowest of them `shift`.
struct Window {
  unsigned lane = 0, shift = 0, width = 0;
};

// A child's number has the first window in its low bits and the second one above; that one can be empty.
struct Cut {
  Window first, second;
  uint32_t children() const { return 1u << (first.width + second.width); }
};

// What a node is asked for: at most these bounds in each lane, and the bits that nodes above have looked at.
struct Region {
  explicit Region(const std::vector<TreeLane>& lanes);
  // Of the window's values `first` to `last`.
  void enter(const Window& window, uint32_t first, uint32_t last);
  unsigned openBits(unsigned lane) const { return std::bit_width(low[lane] ^ high[lane]); } // not all the same

  std::array<uint32_t, kMaxTreeLanes> low{}, high{}, seen{};
};

// Values of a window that a row is in: `count` from `first` on, and then from 0 on.
struct CutRange {
  uint32_t first = 0, count = 0;
};
CutRange rangeIn(const Window& window, uint32_t low, uint32_t high);

class CutChooser {
public:
  // `byte_cost`: nanoseconds that a byte a row is worth.
  CutChooser(const TreeRows& rows, double byte_cost)
      : rows_(rows), at_once_(rows.inlineRows()), byte_cost_(byte_cost) {}

  // Nothing where a leaf is better, or no cut tells the rows apart.
  std::optional<Cut> choose(std::span<const uint32_t> numbers, const Region& region);

  // The rows' values of a window, as the region bounds them.
  CutRange range(const Window& window, uint32_t row, const Region& region) const;

private:
  // What a cut leaves: rows beside one that matches, as a share of all others, and how often a row is there.
  struct Effect {
    double others = 1, copies = 1;
  };
  struct Candidate {
    Window window;
    Effect effect;
  };
  // Rows of the sample with the same bounds in a lane.
  struct Alike {
    uint32_t low = 0, high = 0;
    int32_t rows = 0;
  };

  void takeSample(std::span<const uint32_t> numbers, const Region& region);
  void rangesOf(const Window& window, std::vector<CutRange>& ranges) const;
  void gather(unsigned lane);
  void lookAt(unsigned lane, const Region& region);
  Effect effectOf(const Window& window, double bound);
  Effect effectOf(const Cut& cut);
  double priceOf(const Effect& effect, unsigned width) const;
  double leastPrice(unsigned width) const;
  std::optional<Cut> pair(const Window& one, const Window& other) const;
  void tryPairs();

  const TreeRows& rows_;
  const unsigned at_once_;
  const double byte_cost_;
  size_t taken_ = 0;                 // rows of the sample
  std::vector<uint32_t> low_, high_; // theirs, within the region, lane by lane
  std::vector<uint64_t> sorted_;
  std::vector<Alike> alike_; // in the lane that is looked at
  std::vector<int32_t> steps_, sums_, here_;
  std::vector<CutRange> ranges_, along_; // of the sample
  std::vector<Candidate> candidates_;    // of each lane and width the best
  double all_ = 0;
  unsigned widest_ = 0;
  double best_price_ = 0;
  std::optional<Cut> best_;
};

} // namespace xdpc::plan
