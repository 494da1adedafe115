// compiler/diag/diag.h: emitter and layout.
#include "compiler/diag/diag.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace xdpc::diag {
namespace {

// Any error and any warning of the table will do.
Id firstOf(Severity severity) {
  for (Id id : allIds())
    if (info(id).severity == severity)
      return id;
  return Id{};
}
const Id kError = firstOf(Severity::error), kWarning = firstOf(Severity::warning);

std::string name(Id id) {
  return info(id).name;
}

class Render : public testing::Test {
protected:
  Span span(std::string_view text, std::string_view part) {
    const SourceFile& file = sources.add("web.xf", std::string(text));
    const auto begin = static_cast<uint32_t>(text.find(part));
    return {&file, begin, begin + static_cast<uint32_t>(part.size())};
  }
  Sources sources;
  Emitter emitter;
};

TEST_F(Render, DrawsThePicture) {
  const Span where = span("\n  web: pass when tcp.dport in { 443-80 }\n", "443-80");
  Diagnostic& d = emitter.report(kError, where, "`443-80` is an empty range");
  d.label = "the first port is greater than the last";
  d.help = "write `80-443`";
  EXPECT_EQ(render(emitter, false), "web.xf:2:33: error: `443-80` is an empty range [" + name(kError) + "]\n" +
                                        "    2 |   web: pass when tcp.dport in { 443-80 }\n"
                                        "      |                                 ^~~~~~ the first port is greater than "
                                        "the last\n"
                                        "      = help: write `80-443`\n");
}

TEST_F(Render, DrawsNotesAndHelpFromFixIts) {
  const Span where = span("set a of ip\nset a of ip\n", "a");
  Diagnostic& d = emitter.report(kError, {where.file, 16, 17}, "`a` is declared twice");
  d.fixits.push_back({{where.file, 16, 17}, "b"});
  d.notes.push_back({where, "the first one is here"});
  d.notes.push_back({{}, "names are declared once in a file"});
  EXPECT_EQ(render(emitter, false), "web.xf:2:5: error: `a` is declared twice [" + name(kError) + "]\n" +
                                        "    2 | set a of ip\n"
                                        "      |     ^\n"
                                        "      = help: write `b`\n"
                                        "web.xf:1:5: note: the first one is here\n"
                                        "    1 | set a of ip\n"
                                        "      |     ^\n"
                                        "      = note: names are declared once in a file\n");
}

TEST_F(Render, ColoursTheSeverityAlone) {
  emitter.report(kError, span("x", "x"), "m");
  EXPECT_EQ(render(emitter, true),
            "web.xf:1:1: \x1b[1;31merror\x1b[0m: m [" + name(kError) + "]\n    1 | x\n      | ^\n");
}

TEST_F(Render, SortsByPlaceWithinAFile) {
  const Span a = span("a b", "a");
  emitter.report(kError, {a.file, 2, 3}, "second");
  emitter.report(kError, a, "first");
  const std::string text = render(emitter, false);
  EXPECT_LT(text.find("first"), text.find("second"));
}

TEST_F(Render, StopsAtTheLimit) {
  for (int i = 0; i < 25; ++i)
    emitter.report(kError, span("x", "x"), "m");
  const std::string text = render(emitter, false, 3);
  EXPECT_EQ(std::count(text.begin(), text.end(), '^'), 3);
  EXPECT_TRUE(text.ends_with("22 more errors are not shown\n")) << text;
}

TEST_F(Render, WidensTabsAndReplacesBytesThatAreNotText) {
  emitter.report(kError, span("\ta\xff\x01\xc3\xa9 bad", "bad"), "`\x1b[0m` is odd");
  EXPECT_EQ(render(emitter, false), "web.xf:1:8: error: `\xef\xbf\xbd[0m` is odd [" + name(kError) + "]\n" +
                                        "    1 |     a\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9 bad\n"
                                        "      |          ^~~\n");
}

TEST_F(Render, UnderlinesTheFirstOfSeveralLines) {
  emitter.report(kError, span("a: when tcp {\n  pass\n}\n", "{\n  pass\n}"), "m");
  EXPECT_TRUE(render(emitter, false).ends_with("    1 | a: when tcp {\n      |             ^\n"));
}

TEST_F(Render, PointsAtTheEndOfTheText) {
  emitter.report(kError, {span("policy", "policy").file, 6, 6}, "m");
  EXPECT_TRUE(render(emitter, false).ends_with("    1 | policy\n      |       ^\n"));
  Emitter empty;
  empty.report(kError, {&sources.add("e.xf", ""), 0, 0}, "m");
  EXPECT_TRUE(render(empty, false).ends_with("    1 |\n      | ^\n")) << render(empty, false);
}

// Wherever the place lies in a long line: the caret stands under it and the line stays short.
TEST_F(Render, CutsLongLinesAroundTheCaret) {
  for (size_t length : {100u, 112u, 150u, 1'000u, 5'000u, 2'000'000u}) {
    for (size_t at : {size_t{0}, size_t{1}, size_t{60}, length / 2, length - 100, length - 1}) {
      std::string text(length, 'a');
      text[at] = 'X';
      Emitter one;
      one.report(kError, {&sources.add("web.xf", text), static_cast<uint32_t>(at), static_cast<uint32_t>(at + 1)}, "m");
      const std::string out = render(one, false);
      const size_t source = out.find('\n') + 1, carets = out.find('\n', source) + 1;
      std::string shown = out.substr(source, carets - source);
      ASSERT_LT(shown.size(), 130u);
      for (size_t dots; (dots = shown.find("…")) != std::string::npos;)
        shown.replace(dots, std::string("…").size(), ".");
      ASSERT_EQ(shown.find('X'), out.find('^') - carets) << length << " " << at << "\n" << out;
      ASSERT_EQ(shown.find("...") == std::string::npos, true);
      ASSERT_EQ(shown.find('.') == std::string::npos, length <= 110) << length << " " << at << "\n" << out;
    }
  }
}

TEST_F(Render, UnderlinesALongRangeUpToTheCut) {
  emitter.report(kError, span(std::string(3'000, 'b'), std::string(2'900, 'b')), "m").label = "all of it";
  const std::string out = render(emitter, false);
  EXPECT_TRUE(out.ends_with("~ all of it\n"));
  EXPECT_LT(out.size(), 300u);
}

TEST_F(Render, SaysItWithoutAPlace) {
  emitter.report(kError, {}, "the file cannot be read");
  EXPECT_EQ(render(emitter, false), "error: the file cannot be read [" + name(kError) + "]\n");
}

TEST_F(Render, CountsErrorsAndDisablesWarnings) {
  EXPECT_FALSE(emitter.disableWarning("no-such-name"));
  EXPECT_FALSE(emitter.disableWarning(name(kError)));
  emitter.report(kError, {}, "m");
  EXPECT_EQ(emitter.errorCount(), 1u);
  if (info(kWarning).severity != Severity::warning)
    GTEST_SKIP() << "the table has no warning";
  emitter.report(kWarning, {}, "shown");
  EXPECT_EQ(emitter.errorCount(), 1u);
  emitter.warningsAreErrors(true);
  emitter.report(kWarning, {}, "an error now");
  EXPECT_EQ(emitter.errorCount(), 2u);
  EXPECT_TRUE(emitter.disableWarning(name(kWarning)));
  emitter.report(kWarning, {}, "hidden").label = "goes nowhere";
  EXPECT_EQ(emitter.errorCount(), 2u);
  EXPECT_EQ(render(emitter, false).find("hidden"), std::string::npos);
}

TEST(Table, NamesAreUniqueAndFitTheirIds) {
  std::vector<std::string> names;
  for (Id id : allIds()) {
    names.push_back(info(id).name);
    EXPECT_EQ(names.back().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
    EXPECT_TRUE(std::string_view(info(id).explanation).ends_with('.')) << names.back();
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

} // namespace
} // namespace xdpc::diag
