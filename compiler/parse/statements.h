// Walks the statements and blocks of a layout, one statement's head at a time. Tested by
// tests/unit/parse/recovery_test.cpp.
#pragma once

#include "compiler/parse/layout.h"

#include <optional>

namespace xdpc::parse {

// A statement up to its end, or to the `{` of its block.
struct Statement {
  uint32_t begin = 0, end = 0; // without blanks around
  bool block = false;          // a block follows: it has to be walked or skipped next
  uint32_t limit = 0;          // its boundary

  bool empty() const { return begin == end; }
};

class Statements {
public:
  explicit Statements(const Layout& layout) : layout_(layout) {}

  // The next statement of the current block; nothing at its end, which is then passed.
  std::optional<Statement> next();
  // From about the middle of what is left of the current block, if that is so many boundaries and there is a place to
  // begin: right behind a statement of this block. Who walks both has to stop there.
  std::optional<Statements> secondHalf(size_t boundaries) const;
  void goTo(const Statements& other) { // of the same layout
    next_ = other.next_;
    at_ = other.at_;
    block_end_ = other.block_end_;
  }
  bool isBefore(const Statements& other) const { return next_ < other.next_; }
  // Right behind a block: what is left of its statement, which may be empty.
  Statement rest();
  // From right behind a `{` to behind its `}`.
  void skipBlock();
  // Behind the last `}` that was passed.
  uint32_t blockEnd() const { return block_end_; }
  bool damaged(const Statement& statement) const; // an error was reported in it already

private:
  Statement piece(uint32_t limit, bool block) const;
  void pass(const Boundary& boundary);

  const Layout& layout_;
  size_t next_ = 0; // boundary
  uint32_t at_ = 0;
  uint32_t block_end_ = 0;
};

} // namespace xdpc::parse
