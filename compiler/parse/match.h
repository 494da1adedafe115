// The grammar applied to one piece of a file. Entry point: Matcher::match. Only match.cpp instantiates the grammar.
// A failed match says how far it came and what could have stood there. Tested by tests/unit/parse.
#pragma once

#include "compiler/parse/node.h"

#include <string_view>
#include <vector>

namespace xdpc::parse {

// Which rule of grammar/file.h a piece has to follow.
enum class Entry : uint8_t { top_item, rule_item, test_item, promise };

struct Mismatch {
  uint32_t offset = 0;                    // in the file: the furthest place that was reached
  std::vector<std::string_view> expected; // "a condition", "`when`"; without repetitions
};

class Matcher {
public:
  explicit Matcher(std::string_view text) : text_(text) {} // a layout's text, which stays with the caller

  // The node of the piece [begin, end), or null: then mismatch() says why. Valid until the next call.
  const Node* match(Entry entry, uint32_t begin, uint32_t end);
  const Mismatch& mismatch() const { return mismatch_; }

private:
  std::string_view text_;
  std::vector<Node> nodes_;
  Mismatch mismatch_;
};

} // namespace xdpc::parse
