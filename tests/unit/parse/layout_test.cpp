// The pre-pass: comments, joined lines, boundaries, brackets, and bytes that are not text.
#include "compiler/parse/layout.h"
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

struct LaidOut {
  explicit LaidOut(std::string text) : source(sources.add("test.xf", std::move(text))) {
    layout = layOut(source, emitter, Limits{});
  }
  Sources sources;
  const SourceFile& source;
  diag::Emitter emitter;
  std::optional<Layout> layout;
};

std::string text(const std::string& source) {
  return LaidOut(source).layout->text;
}

// The tree does not depend on how the lines are broken.
std::string tree(const std::string& source) {
  const Parsed parsed(source);
  return parsed.tree() + parsed.errors();
}

TEST(Layout, KeepsTheLength) {
  EXPECT_EQ(text("const a = 1 # why\nconst b = 2\n"), "const a = 1      \nconst b = 2\n");
  EXPECT_EQ(text("const a = \"# no\" # yes"), "const a = \"# no\"      ");
  EXPECT_EQ(text("const a = \"\\\" # no\" # yes"), "const a = \"\\\" # no\"      ");
  EXPECT_EQ(text("a\tb\r\n"), "a b \n");
}

TEST(Layout, JoinsLinesThatGoOn) {
  for (const char* end :
       {"=", "=>", ",", "/", "+", "-", "*", "&", "|", "^", "<", ">", "==", "<<", "and", "or", "not", "in"})
    EXPECT_EQ(text(fmt::format("a {}\nb\n", end)).find('\n'), std::string(end).size() + 4) << end;
  for (const char* start : {"and", "or", "over", "within"})
    EXPECT_EQ(text(fmt::format("a\n  # why\n\n  {} b\n", start)).find('\n'), 15 + std::string(start).size()) << start;
  EXPECT_NE(text("a\nandy\n")[1], ' ');
  EXPECT_NE(text("a.in\nb\n")[4], ' '); // a field's name
}

TEST(Layout, AnUnfinishedLineDoesNotTakeTheNextStatement) {
  EXPECT_EQ(tree("const a =\nconst b = 2\n"), "const b = 2\n1:10 syntax: expected a value after `=`\n");
  EXPECT_EQ(tree("policy p {\n  a: drop when x and\n  b: drop\n  c: drop when\n  default pass\n}\n"),
            "policy p\n  rule b\n    do\n      drop\n  default\n    pass\n2:21 syntax: expected a value after `and`\n"
            "4:15 syntax: expected a condition after `when`\n");
  EXPECT_EQ(tree("policy p {\n  a: drop when ip.src in\n  fe80::/10\n}\n"),
            "policy p\n  rule a\n    when (in ip.src fe80::/10)\n    do\n      drop\n");
}

TEST(Layout, JoinsInsideOfLiteralsAndDeclarations) {
  const char* one = "set s of ip { capacity 10  timeout 1h } = { 192.0.2.1, 192.0.2.2 }\n";
  const char* lines = "set s of ip {\n  capacity 10\n  timeout 1h\n} = {\n  192.0.2.1,\n  # two\n  192.0.2.2\n}\n";
  const char* semicolons = "set s of ip { capacity 10; timeout 1h; } = { 192.0.2.1, 192.0.2.2 };\n";
  EXPECT_EQ(tree(lines), tree(one));
  EXPECT_EQ(tree(semicolons), tree(one));
  EXPECT_EQ(tree("const a =\n  1 +\n  2\n"), tree("const a = 1 + 2\n"));
}

TEST(Layout, LinesOfARule) {
  const char* one = "policy p { r: drop when a and b or c over m; default pass }";
  const char* lines = "policy p {\n r: drop when a\n  and b\n  or # why\n c\n  over m\n default pass\n}\n";
  EXPECT_EQ(tree(lines), tree(one));
}

TEST(Layout, LineEndsAndTheEndOfTheFile) {
  const std::string unix_lines = "const a = 1\npolicy p {\n  r: drop when a\n  default pass\n}\n";
  std::string windows;
  for (const char c : unix_lines)
    windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(tree(windows), tree(unix_lines));
  EXPECT_EQ(tree(unix_lines.substr(0, unix_lines.size() - 1)), tree(unix_lines));
  EXPECT_EQ(tree("\xef\xbb\xbf" + unix_lines), tree(unix_lines));
  EXPECT_EQ(tree("const a = 1 # no newline"), "const a = 1\n");
  EXPECT_EQ(tree(""), "");
  EXPECT_EQ(tree("# nothing\n\n  # at all"), "");
}

TEST(Layout, NotText) {
  EXPECT_EQ(tree(std::string("const a = \0 1", 13)), "0:0 not-text: `test.xf` is not text\n");
  EXPECT_EQ(tree("const a\xff = 1\nconst b = 2\nconst \xc3\xa9 = 3\n"),
            "const a = 1\nconst b = 2\n1:8 syntax: `\xff` stands outside of text and comments\n");
  EXPECT_EQ(tree("const a = \"\xc3\xa9\" # \xc3\xa9\n"), "const a = \"\\xc3\\xa9\"\n");
}

TEST(Layout, TooLarge) {
  Limits limits;
  limits.bytes = 10;
  EXPECT_EQ(Parsed("const a = 1\n", limits).errors(),
            "0:0 too-large: `test.xf` has 12 bytes, more than the bound of 10\n");
}

TEST(Layout, Brackets) {
  EXPECT_EQ(tree("policy p {\n  a: drop when x\n"), "policy p\n  rule a\n    when x\n    do\n      drop\n"
                                                    "1:10 unclosed-bracket: `{` is never closed\n");
  EXPECT_EQ(tree("const a = 1 )\nconst b = 2 }\n"), "const a = 1\nconst b = 2\n1:13 stray-bracket: `)` closes nothing\n"
                                                    "2:13 stray-bracket: `}` closes nothing\n");
  EXPECT_EQ(tree("policy p { a: drop when (x and y }\nconst b = 2\n"),
            "const b = 2\npolicy p\n1:25 unclosed-bracket: `(` is never closed\n");
  EXPECT_EQ(tree("const a = [1)\nconst b = 2"),
            "const b = 2\n1:13 stray-bracket: `)` closes nothing\n1:11 unclosed-bracket: `[` is never closed\n");
}

TEST(Layout, AMissingBraceIsFoundAtTheNextDeclaration) {
  const Parsed parsed(
      "policy p {\n  a: drop when x\n  b: when y {\n    drop\n  default pass\n}\n\ntest \"t\" {\n  wait 1s\n}\n");
  EXPECT_EQ(parsed.errors(), "1:10 unclosed-bracket: `{` is never closed\n"
                             "5:3 misplaced-statement: `default` stands outside of a policy\n");
  EXPECT_EQ(parsed.file.tests.size(), 1u);
  EXPECT_EQ(Parsed("const a = {\n  1, 2\nconst b = 2\n").errors(), "1:11 unclosed-bracket: `{` is never closed\n");
}

TEST(Layout, DeclarationsInsideOfABlock) {
  EXPECT_EQ(Parsed("policy p {\n  set s of ip { capacity 4 }\n  default pass\n}\n").errors(),
            "2:3 misplaced-declaration: `set` stands inside of a block\n");
}

// Each is a second's work if a step is repeated for every line.
TEST(Layout, EmptyLinesAndBlanksWithoutEnd) {
  const std::string lines = repeat("  # why\n", kEndless / 2), blanks(4 * kEndless, ' ');
  EXPECT_EQ(tree("const a = 1 +\n" + lines + "2\n"), "const a = (+ 1 2)\n");
  EXPECT_EQ(tree("policy p {\n a: drop when x\n" + lines + "and y\n}\n"),
            "policy p\n  rule a\n    when (and x y)\n    do\n      drop\n");
  EXPECT_EQ(tree("policy" + blanks + "p" + blanks + "{" + blanks + "default" + blanks + "pass" + blanks + "}"),
            "policy p\n  default\n    pass\n");
  EXPECT_EQ(Parsed("const a = { " + blanks + "\n" + repeat(" set x,\n", kEndless / 5) + "}").emitter.errorCount(), 1u);
}

TEST(Layout, EndlessBraces) {
  EXPECT_EQ(Parsed(repeat("policy p {\n", kEndless)).emitter.errorCount(), Limits{}.errors);
  EXPECT_EQ(Parsed(repeat("policy p {}{}", kEndless)).emitter.errorCount(), 1u);
  EXPECT_EQ(Parsed("policy p { a: " + repeat("when x { ", kEndless)).emitter.errorCount(), 1u);
  EXPECT_EQ(Parsed(repeat("}", kEndless)).emitter.errorCount(), Limits{}.errors);
}

} // namespace
} // namespace xdpc::parse::testing
