// The table of words (keywords.def) as a value, for those who suggest or complete. Tested by
// tests/unit/parse/grammar_test.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xdpc::grammar {

// Where a word stands: at the start of a declaration, of a statement in a block, of a clause in a declaration's braces
// …
enum class Use : uint8_t {
  operation,
  part,
  verdict,
  action,
  statement,
  declaration,
  clause,
  header,
  test,
  promise,
  unit
};

struct Keyword {
  std::string_view word;
  Use use;
  bool reserved;
};

inline constexpr Keyword kKeywords[] = {
#define XDPC_RESERVED(word, use) {#word, Use::use, true},
#define XDPC_WORD(word, use) {#word, Use::use, false},
#include "grammar/keywords.def"
#undef XDPC_RESERVED
#undef XDPC_WORD
};

constexpr const Keyword* findKeyword(std::string_view word) {
  for (const Keyword& keyword : kKeywords)
    if (keyword.word == word)
      return &keyword;
  return nullptr;
}

inline constexpr size_t kReserved = [] {
  size_t count = 0;
  for (const Keyword& keyword : kKeywords)
    count += keyword.reserved;
  return count;
}();
inline constexpr auto kReservedWords = [] {
  std::array<std::string_view, kReserved> words;
  size_t count = 0;
  for (const Keyword& keyword : kKeywords)
    if (keyword.reserved)
      words[count++] = keyword.word;
  return words;
}();

constexpr bool isReserved(std::string_view word) {
  for (std::string_view reserved : kReservedWords)
    if (reserved == word)
      return true;
  return false;
}

constexpr bool isDeclaration(std::string_view word) {
  const Keyword* keyword = findKeyword(word);
  return keyword && keyword->use == Use::declaration;
}

} // namespace xdpc::grammar
