// The rows of a run's boxes under packets of one shape: bounds of up to 32 bits each. Private to plan/classifier*.cpp.
#pragma once

#include "compiler/plan/classifier_box.h"

#include <span>

namespace xdpc::plan {

using Domains = std::vector<std::optional<ir::Domain>>; // by union of both families

struct Bounds {
  uint32_t low, high;
};

struct Row {
  uint64_t wanted = 0, unwanted = 0; // atoms
  uint32_t rule = 0;
};

// Packets whose headers the same rows ask for.
struct RowGroup {
  std::vector<uint32_t> numbers; // of the rows, ascending
  std::vector<uint64_t> signatures;
};

class Shape {
public:
  Shape(const Classifier& classifier, const std::vector<ir::HeaderId>& unions, Domains domains);

  const std::vector<ClassifierLane>& lanes() const { return lanes_; } // not yet laid out
  const std::vector<Row>& rows() const { return rows_; }
  Bounds bounds(size_t row, size_t lane) const { return bounds_[row * lanes_.size() + lane]; }
  std::vector<uint64_t> signatures;

  void add(uint32_t rule, const Conjunction& box);
  std::vector<RowGroup> groups() const; // of all signatures, in their order; those without rows are one, too

private:
  std::optional<ir::Domain> domainOf(uint32_t value) const;
  void addLanes(uint32_t value);
  void expand(const Row& row, std::span<const Conjunction::Bound> rest);

  const Classifier& classifier_;
  const std::vector<ir::HeaderId>& unions_;
  Domains domains_;
  std::vector<ClassifierLane> lanes_;
  std::vector<size_t> first_lane_; // by value
  std::vector<Row> rows_;
  std::vector<Bounds> bounds_; // by row and lane
  std::vector<Bounds> here_;   // by lane, of the row that is made
};

// What a value is under a mask.
const ir::Expr& readOf(const ir::Expr& expr);
// Rows that an interval of a value takes: more than one where it is no prefix of a value of several lanes.
size_t piecesOf(const ClassifierValue& value, const ir::Interval& interval);
// Lanes of a value; of an address of either family, of the longer one.
unsigned lanesOf(const ClassifierValue& value);

inline uint32_t lowBits(unsigned count) {
  return count >= 32 ? ~0u : (1u << count) - 1;
}

} // namespace xdpc::plan
