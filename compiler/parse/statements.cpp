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
