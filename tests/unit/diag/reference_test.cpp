// compiler/diag/reference.h: the page holds the whole table.
#include "compiler/diag/reference.h"

#include "compiler/diag/diag.h"

#include <gtest/gtest.h>

namespace xdpc::diag {
namespace {

TEST(Reference, HoldsEachDiagnosticInOrder) {
  const std::string text = reference();
  std::vector<std::string> headings;
  for (size_t at = text.find("\n## "); at != std::string::npos; at = text.find("\n## ", at + 1))
    headings.push_back(text.substr(at + 4, text.find('\n', at + 1) - at - 4));
  EXPECT_EQ(headings.size(), allIds().size());
  EXPECT_TRUE(std::is_sorted(headings.begin(), headings.end()));
  EXPECT_NE(text.find("\n## syntax\n\n*error* The text does not follow the grammar at this place.\n"), text.npos);
}

} // namespace
} // namespace xdpc::diag
