// The suggestion for a misspelt name. Tested by tests/unit/diag/nearest_test.cpp.
#include "compiler/diag/diag.h"

#include <algorithm>
#include <cctype>

namespace xdpc::diag {
namespace {

// `TCP` is as good as `tcp`: names of the standard library are in lower case.
bool isSame(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Edits that insert, remove or replace a character or swap two neighbours (Damerau-Levenshtein, each place edited
// once).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + !isSame(a[i - 1], b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

} // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const size_t threshold = std::max<size_t>(1, word.size() / 3);
  std::optional<std::string> best;
  size_t best_distance = threshold + 1;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(word.size(), candidate.size()), shorter = std::min(word.size(), candidate.size());
    // The lengths alone tell most of them apart, and a name of a kilobyte costs nothing then.
    if (candidate == word || longer - shorter >= best_distance)
      continue;
    const size_t edits = distance(word, candidate);
    // A word that is replaced altogether was not meant: `a` is no slip of `b`.
    if (edits < best_distance && edits < longer) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

} // namespace xdpc::diag
