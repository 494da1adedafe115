// See statements.h.
#include "compiler/parse/statements.h"

#include <algorithm>

namespace xdpc::parse {

using BoundaryKind = Boundary::Kind;

Statement Statements::piece(uint32_t limit, bool block) const {
  uint32_t end = limit;
  const std::string& text = layout_.text;
  uint32_t begin = at_;
  while (begin < end && (text[begin] == ' ' || text[begin] == '\n' || text[begin] == ';'))
    ++begin;
  while (end > begin && text[end - 1] == ' ')
    --end;
  return {begin, end, block, limit};
}

void Statements::pass(const Boundary& boundary) {
  at_ = boundary.resume;
  if (boundary.kind == BoundaryKind::Close)
    block_end_ = boundary.resume;
  if (next_ + 1 < layout_.boundaries.size()) // the end of the file stays
    ++next_;
}

std::optional<Statement> Statements::next() {
  for (;;) {
    const Boundary& boundary = layout_.boundaries[next_];
    const Statement statement = piece(boundary.offset, boundary.kind == BoundaryKind::Open);
    if (boundary.kind == BoundaryKind::Close && !statement.empty()) {
      at_ = boundary.offset;
      return statement;
    }
    pass(boundary);
    if (boundary.kind == BoundaryKind::Close)
      return std::nullopt;
    if (boundary.kind == BoundaryKind::Open || !statement.empty())
      return statement;
  }
}

std::optional<Statements> Statements::secondHalf(size_t boundaries) const {
  std::vector<size_t> ends; // of statements of this block that are not empty
  size_t place = next_;
  for (unsigned depth = 0; place < layout_.boundaries.size(); ++place) {
    const Boundary& boundary = layout_.boundaries[place];
    const char before = boundary.offset > 0 ? layout_.text[boundary.offset - 1] : ' ';
    if (boundary.kind == BoundaryKind::Open)
      ++depth;
    else if (boundary.kind == BoundaryKind::Close && depth-- == 0)
      break;
    else if (boundary.kind == BoundaryKind::End && depth == 0 && before != ' ' && before != '\n' && before != ';')
      ends.push_back(place);
  }
  if (place - next_ < boundaries)
    return {};
  const auto middle = std::ranges::lower_bound(ends, next_ + (place - next_) / 2);
  if (middle == ends.end())
    return {};
  Statements half = *this;
  half.at_ = layout_.boundaries[*middle].resume;
  half.next_ = *middle + 1;
  return half;
}

Statement Statements::rest() {
  const Boundary& boundary = layout_.boundaries[next_];
  const Statement statement = piece(boundary.offset, boundary.kind == BoundaryKind::Open);
  if (boundary.kind == BoundaryKind::Close)
    at_ = boundary.offset;
  else
    pass(boundary);
  return statement;
}

void Statements::skipBlock() {
  for (unsigned depth = 1; depth > 0;) {
    const Boundary& boundary = layout_.boundaries[next_];
    depth += boundary.kind == BoundaryKind::Open ? 1 : 0;
    depth -= boundary.kind == BoundaryKind::Close ? 1 : 0;
    pass(boundary);
  }
}

bool Statements::damaged(const Statement& statement) const {
  const auto& places = layout_.damaged;
  const auto first = std::lower_bound(places.begin(), places.end(), statement.begin);
  return first != places.end() && *first <= statement.limit;
}

} // namespace xdpc::parse
