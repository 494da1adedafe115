// See lines.h.
#include "compiler/format/lines.h"

#include <algorithm>
#include <map>
#include <span>

namespace xdpc::format {
namespace {

constexpr size_t kWidest = 100; // a comment behind more than this stands for itself
constexpr size_t kFarthest = 8; // neighbours that differ by more are no column

bool overWholeBlock(Align align) {
  return align == Align::rule_name || align == Align::expectation;
}

void pad(std::span<Line*> group) {
  size_t column = 0;
  for (const Line* line : group)
    column = std::max(column, line->column);
  for (Line* line : group)
    line->text.insert(line->column, column - line->column, ' ');
}

void alignBlocks(std::vector<Line>& lines) {
  std::map<std::pair<unsigned, Align>, std::vector<Line*>> groups;
  for (Line& line : lines)
    if (overWholeBlock(line.align))
      groups[{line.block, line.align}].push_back(&line);
  for (auto& [key, group] : groups)
    pad(group);
}

void padNear(std::span<Line*> group) {
  const auto [low, high] = std::minmax_element(group.begin(), group.end(),
                                               [](const Line* a, const Line* b) { return a->column < b->column; });
  if (!group.empty() && (*high)->column - (*low)->column <= kFarthest)
    pad(group);
}

void alignNeighbours(std::vector<Line>& lines) {
  std::vector<Line*> group;
  for (Line& line : lines) {
    const bool fits = line.align != Align::none && !overWholeBlock(line.align) && !line.continued;
    if (!group.empty() && (!fits || line.blank_before || line.align != group.back()->align)) {
      padNear(group);
      group.clear();
    }
    if (fits)
      group.push_back(&line);
  }
  padNear(group);
}

size_t widthOf(const Line& line) {
  return line.indent + line.text.size();
}

void alignComments(std::vector<Line>& lines) {
  const auto fits = [](const Line& line) {
    return !line.text.empty() && !line.comment.empty() && widthOf(line) <= kWidest;
  };
  for (size_t begin = 0; begin < lines.size();) {
    size_t end = begin, width = 0;
    while (end < lines.size() && fits(lines[end]) &&
           (end == begin || (!lines[end].blank_before && lines[end].indent == lines[begin].indent)))
      width = std::max(width, widthOf(lines[end++]));
    for (size_t i = begin; i < end; ++i)
      lines[i].text.append(width - widthOf(lines[i]), ' ');
    begin = std::max(end, begin + 1);
  }
}

} // namespace

void alignLines(std::vector<Line>& lines) {
  alignBlocks(lines);
  alignNeighbours(lines);
  alignComments(lines);
}

} // namespace xdpc::format
