// Elements as text: on a command line, or a list of them, one a line, as `load` in the language reads it: `#` starts a
// comment, parts of a tuple are separated by commas, a range stands for all of its elements. Entry points:
// parseElement, parseList. Tested by tests/unit/state/element_list_test.cpp.
#pragma once

#include "runtime/abi/key.h"

#include <string_view>
#include <vector>

namespace xdpc::sets {

inline constexpr size_t kMaxExpanded = 1u << 20; // elements that one line may stand for

// `192.0.2.0/24`, `192.0.2.7, 443`, `(192.0.2.7, 443)`, `8000-8099`: behind those that are in `out` already.
Result<Done, abi::LiteralError> parseElement(const abi::KeyType& type, std::string_view text,
                                             std::vector<abi::KeyValue>& out);

struct ListMistake {
  size_t line = 0; // from 1
  abi::LiteralError error;
};
inline constexpr size_t kMaxListMistakes = 10; // so many are told of a list that is wrong as a whole

struct List {
  std::vector<abi::KeyValue> elements;
  std::vector<ListMistake> mistakes; // the first of them
  size_t mistake_count = 0;
};
List parseList(const abi::KeyType& type, std::string_view text);

} // namespace xdpc::sets
