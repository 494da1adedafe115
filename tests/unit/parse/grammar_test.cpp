// The grammar itself: PEGTL's analysis finds no rule that loops without progress, the table of words is consistent, and
// the parser, which takes a file piece by piece, accepts what grammar::file accepts as a whole.
#include "compiler/parse/layout.h"
#include "grammar/file.h"
#include "tests/unit/parse/corpus.h"
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>
#include <tao/pegtl/contrib/analyze.hpp>

#include <set>

namespace xdpc::parse::testing {
namespace {

namespace pegtl = tao::pegtl;

TEST(Grammar, NoRuleLoopsWithoutProgress) {
  EXPECT_EQ(pegtl::analyze<grammar::file>(), 0u);
}

TEST(Grammar, WordsAreListedOnce) {
  std::set<std::string_view> words;
  for (const grammar::Keyword& keyword : grammar::kKeywords)
    EXPECT_TRUE(words.insert(keyword.word).second) << keyword.word;
  EXPECT_TRUE(grammar::isReserved("within"));
  EXPECT_FALSE(grammar::isReserved("capacity"));
  EXPECT_TRUE(grammar::isDeclaration("meter"));
}

// A reserved word is no name anywhere where one is declared; every other word is.
TEST(Grammar, NamesAndReservedWords) {
  for (const grammar::Keyword& keyword : grammar::kKeywords) {
    const std::string word(keyword.word);
    for (const std::string& text : {"const " + word + " = 1", "set " + word + " of ip", "counter " + word,
                                    "policy p { " + word + ": drop when x; default drop }"}) {
      if (word == "default" && text.starts_with("policy"))
        continue;
      EXPECT_EQ(Parsed(text).errors().empty(), !keyword.reserved) << text;
    }
    EXPECT_EQ(expr("h." + word), "h." + word);
    EXPECT_EQ(Parsed("header h { " + word + ": u8 }").errors(), "") << word;
  }
}

bool wholeFileMatches(const std::string& text) {
  Sources sources;
  diag::Emitter emitter;
  const auto layout = layOut(sources.add("test.xf", text), emitter, Limits{});
  if (!layout || emitter.hasErrors())
    return false;
  pegtl::memory_input<pegtl::tracking_mode::lazy> in(layout->text, "test.xf");
  return pegtl::parse<grammar::file>(in);
}

// What the parser finds beyond the grammar.
bool isBeyondGrammar(diag::Id id) {
  using diag::Id;
  for (const Id other :
       {Id::host_bits, Id::bad_address, Id::bad_number, Id::number_too_large, Id::bad_time, Id::bad_bytes,
        Id::mixed_range, Id::empty_range, Id::compound_time, Id::repeated_clause, Id::bad_sample, Id::misplaced_not,
        Id::chained_comparison, Id::misplaced_statement, Id::too_deep})
    if (id == other)
      return true;
  return false;
}

// `default` in a nested block, which grammar::file knows and rule_item does not.
bool isMisplacedDefault(const diag::Diagnostic& d) {
  return d.message.find("outside of a policy") != std::string::npos;
}

bool parserMatches(const std::string& text) {
  const Parsed parsed(text);
  for (const diag::Diagnostic& d : parsed.emitter.diagnostics())
    if (!isBeyondGrammar(d.id) || isMisplacedDefault(d))
      return false;
  return true;
}

TEST(Grammar, TheParserAcceptsWhatTheGrammarAccepts) {
  for (const std::string& text : corpus()) {
    EXPECT_TRUE(wholeFileMatches(text)) << text.substr(0, 200);
    EXPECT_EQ(Parsed(text).errors(), "") << text.substr(0, 200);
  }
}

TEST(Grammar, TheParserRefusesWhatTheGrammarRefuses) {
  unsigned accepted = 0, refused = 0;
  for (const std::string& text : mutations(3000)) {
    const bool grammar = wholeFileMatches(text);
    EXPECT_EQ(parserMatches(text), grammar) << text << "\n" << Parsed(text).errors();
    (grammar ? accepted : refused) += 1;
  }
  EXPECT_GT(accepted, 100u); // the mutations are neither all harmless nor all fatal
  EXPECT_GT(refused, 100u);
}

} // namespace
} // namespace xdpc::parse::testing
