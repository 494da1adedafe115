// compiler/basic/source.h: lines and columns.
#include "compiler/basic/source.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

TEST(SourceFile, FindsLineAndColumn) {
  const SourceFile file("a.xf", "one\r\ntwo\n\nfour");
  EXPECT_EQ(file.lineCount(), 4u);
  EXPECT_EQ(file.line(1), "one");
  EXPECT_EQ(file.line(2), "two");
  EXPECT_EQ(file.line(3), "");
  EXPECT_EQ(file.line(4), "four");
  EXPECT_EQ(file.line(0), "");
  EXPECT_EQ(file.line(5), "");
  const auto at = [&](uint32_t offset) { return std::pair(file.position(offset).line, file.position(offset).column); };
  EXPECT_EQ(at(0), std::pair(1u, 1u));
  EXPECT_EQ(at(4), std::pair(1u, 5u)); // the line's end belongs to it
  EXPECT_EQ(at(5), std::pair(2u, 1u));
  EXPECT_EQ(at(9), std::pair(3u, 1u));
  EXPECT_EQ(at(14), std::pair(4u, 5u));
  EXPECT_EQ(at(99), std::pair(4u, 5u));
}

TEST(SourceFile, TakesAnEmptyText) {
  const SourceFile file("a.xf", "");
  EXPECT_EQ(file.lineCount(), 1u);
  EXPECT_EQ(file.position(0).column, 1u);
  EXPECT_EQ(file.line(1), "");
}

TEST(Span, WithoutFileIsHarmless) {
  EXPECT_EQ(Span{}.text(), "");
  EXPECT_EQ(Span{}.position().line, 0u);
}

TEST(Sources, KeepFilesInPlace) {
  Sources sources;
  const SourceFile& first = sources.add("a.xf", "a");
  for (int i = 0; i < 100; ++i)
    sources.add("b.xf", "b");
  EXPECT_EQ(&first, sources.files()[0].get());
  EXPECT_EQ(first.text(), "a");
}

} // namespace
} // namespace xdpc
