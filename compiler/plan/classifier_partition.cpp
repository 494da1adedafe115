// Separates narrow rows from wide ones.
#include "compiler/plan/classifier_partition.h"

#include <algorithm>
#include <array>
#include <set>

namespace xdpc::plan {
namespace {

class Separation {
public:
  explicit Separation(const TreeRows& rows) : rows_(rows) {}

  std::vector<Groups> run(std::span<const uint32_t> numbers) const {
    const std::vector<unsigned> values = principal(numbers);
    std::array<Rows, 4> kinds; // bit by bit: narrow in the first, in the second of the values
    for (uint32_t row : numbers) {
      unsigned kind = 0;
      for (size_t i = 0; i < values.size(); ++i)
        kind |= narrow(row, values[i]) ? 1u << i : 0;
      kinds[kind].push_back(row);
    }
    std::vector<Groups> ways;
    add(ways, kinds, {{0, 1, 2, 3}});
    add(ways, kinds, {{1, 3}, {0, 2}});
    add(ways, kinds, {{2, 3}, {0, 1}});
    add(ways, kinds, {{1, 3}, {2}, {0}});
    add(ways, kinds, {{2, 3}, {1}, {0}});
    add(ways, kinds, {{3}, {1}, {2, 0}});
    add(ways, kinds, {{3}, {2}, {1, 0}});
    add(ways, kinds, {{3}, {1}, {2}, {0}});
    return ways;
  }

private:
  // A few rows are not worth a tree of their own: they go to the group before, where there is one. Some more are: those
  // that are wide in both values are in every leaf of the others.
  static void add(std::vector<Groups>& ways, const std::array<Rows, 4>& kinds,
                  const std::vector<std::vector<unsigned>>& groups) {
    Groups way;
    for (const auto& group : groups) {
      Rows rows;
      for (unsigned kind : group)
        rows.insert(rows.end(), kinds[kind].begin(), kinds[kind].end());
      if (!way.empty() && (rows.size() <= kFew || way.back().size() <= kFew))
        way.back().insert(way.back().end(), rows.begin(), rows.end());
      else if (!rows.empty())
        way.push_back(std::move(rows));
    }
    for (Rows& rows : way)
      std::ranges::sort(rows);
    if (std::ranges::find(ways, way) == ways.end())
      ways.push_back(std::move(way));
  }

  // At most a sixteenth of what the value can be.
  bool narrow(uint32_t row, unsigned value) const {
    double share = 1;
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.lanes[lane].value == value) {
        const size_t at = row * rows_.lanes.size() + lane;
        share *= (static_cast<double>(rows_.high[at]) - rows_.low[at] + 1) /
                 static_cast<double>(uint64_t{1} << rows_.lanes[lane].bits);
      }
    return share <= 1.0 / 16;
  }

  // At most two, each with how many different bounds it has.
  std::vector<unsigned> principal(std::span<const uint32_t> numbers) const {
    std::vector<std::pair<size_t, unsigned>> found;
    std::set<unsigned> values;
    for (const TreeLane& lane : rows_.lanes)
      values.insert(lane.value);
    for (unsigned value : values) {
      std::set<std::vector<uint32_t>> bounds;
      for (size_t i = 0; i < numbers.size(); i += 1 + numbers.size() / kSample)
        if (narrow(numbers[i], value))
          bounds.insert(boundsOf(numbers[i], value));
      if (bounds.size() > 1)
        found.emplace_back(bounds.size(), value);
    }
    std::ranges::sort(found, std::greater());
    std::vector<unsigned> best;
    for (size_t i = 0; i < std::min<size_t>(2, found.size()); ++i)
      best.push_back(found[i].second);
    return best;
  }

  std::vector<uint32_t> boundsOf(uint32_t row, unsigned value) const {
    std::vector<uint32_t> bounds;
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.lanes[lane].value == value) {
        bounds.push_back(rows_.low[row * rows_.lanes.size() + lane]);
        bounds.push_back(rows_.high[row * rows_.lanes.size() + lane]);
      }
    return bounds;
  }

  static constexpr size_t kSample = 4000, kFew = 4;
  const TreeRows& rows_;
};

} // namespace

std::vector<Groups> waysToSeparate(const TreeRows& rows, std::span<const uint32_t> numbers) {
  return Separation(rows).run(numbers);
}

} // namespace xdpc::plan
