// No input crashes the parser, whatever its bytes; and what it says points into the text.
#include "tests/unit/parse/corpus.h"
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

#include <random>

namespace xdpc::parse::testing {
namespace {

void parseAndPrint(const std::string& text) {
  SCOPED_TRACE(text);
  const Parsed parsed(text);
  EXPECT_LT(parsed.tree().size(), 100 * text.size() + 1000);
  for (const diag::Diagnostic& d : parsed.emitter.diagnostics()) {
    ASSERT_LE(d.span.begin, d.span.end) << text;
    ASSERT_LE(d.span.end, text.size()) << text;
    for (const diag::FixIt& fix : d.fixits)
      ASSERT_LE(fix.span.end, text.size()) << text;
    ASSERT_FALSE(d.message.empty());
  }
  diag::render(parsed.emitter, false);
}

TEST(Fuzz, MutatedFiles) {
  for (const std::string& text : mutations(3000))
    parseAndPrint(text);
}

TEST(Fuzz, CutFiles) {
  for (const std::string& text : corpus())
    for (size_t end = 0; end < text.size(); end += 1 + end / 50)
      parseAndPrint(text.substr(0, end));
}

TEST(Fuzz, Noise) {
  std::mt19937 random(7); // the same in every run
  for (unsigned i = 0; i < 2000; ++i) {
    std::string text(1 + random() % 300, ' ');
    for (char& c : text)
      c = static_cast<char>(i % 2 ? random() % 256 : " \n{}()[]\";:=/-abx10.,#"[random() % 22]);
    parseAndPrint(text);
  }
}

} // namespace
} // namespace xdpc::parse::testing
