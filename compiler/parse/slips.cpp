// The slips that people make, each with its own message and, where the intent is clear, a fix-it. See mismatch.h.
#include "compiler/parse/literal.h"
#include "compiler/parse/mismatch.h"

#include "grammar/keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace xdpc::parse {
namespace {

using diag::Diagnostic;
using diag::Id;
using grammar::Use;

// The failure with the tokens around its place.
struct Place {
  const Failure& failure;
  Span token, before;
  std::string_view word, word_before;

  explicit Place(const Failure& f)
      : failure(f), token(tokenAt(f, f.mismatch.offset)), before(tokenBefore(f, f.mismatch.offset)), word(token.text()),
        word_before(before.text()) {}

  Diagnostic& report(Id id, Span span, std::string message) const {
    return failure.input.report(id, span, std::move(message));
  }
  Span next(Span after) const { return tokenAt(failure, after.end); }
  bool inRule() const { return failure.entry == Entry::rule_item; }
};

bool isWord(std::string_view text) {
  return !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '_');
}

bool startsAction(std::string_view word) {
  const grammar::Keyword* keyword = grammar::findKeyword(word);
  return keyword && (keyword->use == Use::verdict || keyword->use == Use::action || word == "when");
}

// The token of this spelling before `end`, outside of text in quotes; no file if there is none.
Span findWord(const Failure& failure, std::string_view word, uint32_t end) {
  for (Span token = tokenAt(failure, failure.statement.begin); token.begin < end && token.end > token.begin;
       token = tokenAt(failure, token.end))
    if (token.text() == word)
      return token;
  return {};
}

bool foreignOperator(const Place& place) {
  const std::string_view meant = place.word == "&&"   ? "and"
                                 : place.word == "||" ? "or"
                                 : place.word == "!"  ? "not"
                                                      : "";
  if (meant.empty())
    return false;
  Diagnostic& error = place.report(Id::foreign_operator, place.token,
                                   fmt::format("`{}` is not an operator of this language", place.word));
  error.help = fmt::format("write `{}`", meant);
  const std::string_view text = place.failure.text;
  const bool blank_before = place.token.begin > 0 && text[place.token.begin - 1] == ' ';
  const bool blank_behind = place.token.end < text.size() && text[place.token.end] == ' ';
  const bool tight_before = meant == "not" || blank_before;
  error.fixits.push_back({place.token, fmt::format("{}{}{}", tight_before ? "" : " ", meant, blank_behind ? "" : " ")});
  return true;
}

// `tcp.dport = 22` in a condition, `expect counter x = 4`.
bool equalsForComparison(const Place& place) {
  if (place.word != "=" || !(expects(place.failure, "an operator") || expects(place.failure, "a comparison")))
    return false;
  const bool names_rule = place.inRule() && place.before.begin == place.failure.statement.begin;
  if (names_rule)
    return false;
  Diagnostic& error = place.report(Id::equals_for_comparison, place.token, "`=` does not compare");
  error.help = "write `==`";
  error.fixits.push_back({place.token, "=="});
  return true;
}

// `ssh = pass when …`
bool equalsForColon(const Place& place) {
  if (!place.inRule() || place.word_before != "=" || !startsAction(place.word))
    return false;
  Diagnostic& error = place.report(Id::colon_and_equals, place.before, "a rule's name is followed by `:`, not by `=`");
  error.fixits.push_back({place.before, ":"});
  return true;
}

// `ipv4(src: 192.0.2.1)`, `const x: 5`
bool colonForEquals(const Place& place) {
  if (place.word != ":" || !expects(place.failure, "`=`"))
    return false;
  Diagnostic& error =
      place.report(Id::colon_and_equals, place.token, fmt::format("expected `=` after `{}`", place.word_before));
  error.label = "`:` follows the names of rules and of a header's fields";
  error.help = "write `=`";
  error.fixits.push_back({place.token, " ="});
  return true;
}

bool sampleAfterWhen(const Place& place) {
  if (place.word != "sample")
    return false;
  const Span when = findWord(place.failure, "when", place.token.begin);
  if (!when.file)
    return false;
  const Span slash = place.next(place.next(place.token)), last = place.next(slash);
  Diagnostic& error = place.report(Id::sample_after_when, place.token, "`sample` stands behind `when`");
  error.label = "it belongs to `emit`";
  if (slash.text() == "/" && !last.text().empty()) {
    const Span sample = join(place.token, last);
    error.help = fmt::format("write `{} when …`", sample.text());
    error.fixits.push_back({place.failure.input.span(when.begin, when.begin), fmt::format("{} ", sample.text())});
    error.fixits.push_back({place.failure.input.span(place.before.end, sample.end), ""});
  }
  return true;
}

Span meterWord(const Place& place) {
  const Span over = findWord(place.failure, "over", place.token.begin);
  return over.file ? over : findWord(place.failure, "within", place.token.begin);
}

// `drop over M when tcp`; an inline meter takes `when` for `when full`.
bool meterBeforeWhen(const Place& place) {
  const bool at_when = place.word == "when" && place.inRule();
  const bool behind_when = place.word_before == "when" && expects(place.failure, "`full`");
  const Span meter = meterWord(place);
  if (!(at_when || behind_when) || !meter.file || (at_when && expects(place.failure, "a name")))
    return false;
  Diagnostic& error =
      place.report(Id::meter_before_when, meter, fmt::format("`{}` stands before `when`", meter.text()));
  error.label = "a meter is consulted last, if the condition holds";
  error.help = fmt::format("write `when …` first, then `{} …`", meter.text());
  return true;
}

// `when a over M and b`
bool meterInCondition(const Place& place) {
  if (!place.inRule() || (place.word != "and" && place.word != "or"))
    return false;
  const Span meter = meterWord(place);
  if (!meter.file)
    return false;
  Diagnostic& error =
      place.report(Id::meter_in_condition, meter, fmt::format("`{}` stands inside of a condition", meter.text()));
  error.label = "a meter belongs to the whole rule";
  error.help = fmt::format("write the whole condition first, then `{} …`", meter.text());
  return true;
}

// `(tcp over M)`: within parentheses there is no other reading.
bool meterInParentheses(const Place& place) {
  if ((place.word != "over" && place.word != "within") || expects(place.failure, "`over`") || !place.inRule())
    return false;
  place.report(Id::meter_in_condition, place.token, fmt::format("`{}` stands inside of a condition", place.word))
      .label = "a meter belongs to the whole rule and stands last";
  return true;
}

// `for 10 m`
bool detachedUnit(const Place& place) {
  constexpr std::string_view units[] = {"ns", "us", "ms", "s",  "m",   "h",   "d",
                                        "B",  "kB", "MB", "GB", "KiB", "MiB", "GiB"};
  const bool number = !place.word_before.empty() && place.word_before[0] >= '0' && place.word_before[0] <= '9';
  if (!number || std::find(std::begin(units), std::end(units), place.word) == std::end(units))
    return false;
  const Span whole = join(place.before, place.token);
  Diagnostic& error =
      place.report(Id::detached_unit, whole, fmt::format("the unit `{}` is apart from its number", place.word));
  error.fixits.push_back({whole, fmt::format("{}{}", place.word_before, place.word)});
  return true;
}

// `rate 10 mbps`
bool wrongUnit(const Place& place) {
  const bool number = !place.word_before.empty() && place.word_before[0] >= '0' && place.word_before[0] <= '9';
  if (!number || !isWord(place.word))
    return false;
  const auto meant = unitMeant(place.word);
  const bool bytes = place.word.size() > 2 && place.word.ends_with("Bps");
  if (!meant && !bytes)
    return false;
  Diagnostic& error = place.report(Id::bad_number, place.token, fmt::format("`{}` is no unit", place.word));
  if (!meant) {
    error.help = "a bit rate is in bps, kbps, Mbps or Gbps: 8 times the bytes";
    return true;
  }
  error.fixits.push_back({place.token, std::string(*meant)});
  return true;
}

// `my-rule: drop`, `set my-set of ip`
bool dashInName(const Place& place) {
  Span name = tokenAt(place.failure, place.failure.statement.begin);
  if (place.failure.entry == Entry::top_item)
    name = place.next(name);
  if (!isWord(name.text()) || !(place.inRule() || place.failure.entry == Entry::top_item))
    return false;
  Span last = name;
  for (Span dash = place.next(last); dash.text() == "-" && dash.begin == last.end; dash = place.next(last)) {
    const Span part = place.next(dash);
    if (part.begin != dash.end || part.text().empty() || !(isWord(part.text()) || std::isdigit(part.text()[0])))
      break;
    last = part;
  }
  if (last.begin == name.begin || (place.inRule() && place.next(last).text() != ":"))
    return false;
  const Span whole = join(name, last);
  std::string ours(whole.text());
  std::ranges::replace(ours, '-', '_');
  Diagnostic& error = place.report(Id::bad_name, whole, fmt::format("`{}` is no name: `-` subtracts", whole.text()));
  error.fixits.push_back({whole, ours});
  return true;
}

bool reservedName(const Place& place) {
  const bool name_only = expects(place.failure, "a name") && !expects(place.failure, "an operator");
  if (!name_only || !isWord(place.word) || !grammar::isReserved(place.word))
    return false;
  place.report(Id::reserved_word, place.token, fmt::format("`{}` is a word of the language and no name", place.word));
  return true;
}

// `redirect to dev eth1`
bool nameWithoutQuotes(const Place& place) {
  if (!expects(place.failure, "text in quotes") || !isWord(place.word))
    return false;
  Diagnostic& error = place.report(Id::syntax, place.token, fmt::format("`{}` stands without quotes", place.word));
  error.label = fmt::format("expected text in quotes after `{}`", place.word_before);
  error.fixits.push_back({place.token, fmt::format("\"{}\"", place.word)});
  return true;
}

// `drop if tcp`
bool ifForWhen(const Place& place) {
  if (place.word != "if" || !expects(place.failure, "`when`"))
    return false;
  Diagnostic& error = place.report(Id::unknown_word, place.token, "`if` is no word of this language");
  error.help = "write `when`";
  error.fixits.push_back({place.token, "when"});
  return true;
}

// The first word of what a rule does, behind its name.
Span actionWord(const Failure& failure) {
  Span first = tokenAt(failure, failure.statement.begin);
  const Span colon = tokenAt(failure, first.end);
  return failure.entry == Entry::rule_item && colon.text() == ":" ? tokenAt(failure, colon.end) : first;
}

// `pop`, `pop vlan()`, `pop_vlan`
bool popVlan(const Place& place) {
  const bool lacks_name = place.word_before == "pop" && expects(place.failure, "a name");
  if (lacks_name && !isWord(place.word)) {
    Diagnostic& error = place.report(Id::syntax, place.before, "`pop` does not say what it takes off");
    error.fixits.push_back({place.before, "pop vlan"});
    return true;
  }
  const Span first = actionWord(place.failure), name = place.next(first);
  if (place.word == "(" && first.text() == "pop" && name.begin == place.before.begin) {
    Diagnostic& error = place.report(Id::syntax, place.token, "`pop` takes a name and nothing else");
    error.label = "the outermost tag goes";
    error.help = fmt::format("write `pop {}`", name.text());
    return true;
  }
  constexpr std::string_view pops[] = {"pop_vlan", "popvlan", "vlan_pop", "strip_vlan", "untag"};
  constexpr std::string_view pushes[] = {"push_vlan", "pushvlan", "vlan_push"};
  const bool pop = std::ranges::count(pops, first.text()) > 0;
  if (!place.inRule() || !(pop || std::ranges::count(pushes, first.text()) > 0))
    return false;
  Diagnostic& error =
      place.report(Id::unknown_word, first, fmt::format("`{}` starts no rule or statement", first.text()));
  error.help = "write `push vlan(id = …)`";
  if (pop) {
    error.help.clear();
    error.fixits.push_back({first, "pop vlan"});
  }
  return true;
}

// What other languages call it.
std::string_view synonym(std::string_view word) {
  struct Pair {
    std::string_view theirs, ours;
  };
  constexpr Pair pairs[] = {{"accept", "pass"},      {"allow", "pass"},    {"permit", "pass"},  {"deny", "drop"},
                            {"block", "drop"},       {"reject", "drop"},   {"discard", "drop"}, {"if", "when"},
                            {"log", "emit"},         {"counter", "count"}, {"set", "add"},      {"delete", "remove"},
                            {"forward", "redirect"}, {"import", "use"},    {"include", "use"},  {"let", "const"},
                            {"define", "const"},     {"list", "set"},      {"filter", "policy"}};
  for (const Pair& pair : pairs)
    if (pair.theirs == word)
      return pair.ours;
  return {};
}

bool isMeant(Use use, Entry entry) {
  switch (entry) {
  case Entry::top_item:
    return use == Use::declaration;
  case Entry::rule_item:
    return use == Use::verdict || use == Use::action || use == Use::statement;
  case Entry::test_item:
    return use == Use::test;
  case Entry::promise:
    return use == Use::promise;
  }
  return false;
}

std::optional<std::string> suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string_view other = synonym(word);
  if (std::find(candidates.begin(), candidates.end(), other) != candidates.end())
    return std::string(other);
  return diag::nearest(word, candidates);
}

template <class Wanted> std::vector<std::string> words(Wanted wanted) {
  std::vector<std::string> result;
  for (const grammar::Keyword& keyword : grammar::kKeywords)
    if (wanted(keyword))
      result.emplace_back(keyword.word);
  return result;
}

bool reportUnknown(const Place& place, Span token, const char* what, const std::vector<std::string>& candidates) {
  const auto meant = candidates.size() == 1 ? std::optional(candidates.front()) : suggestion(token.text(), candidates);
  Diagnostic& error = place.report(Id::unknown_word, token, fmt::format("`{}` starts no {}", token.text(), what));
  if (meant) {
    error.help = fmt::format("did you mean `{}`?", *meant);
    error.fixits.push_back({token, *meant});
  } else {
    error.help = fmt::format("one of {}", fmt::join(candidates, ", "));
  }
  return true;
}

// A statement that starts with no word that it may start with.
bool unknownFirstWord(const Place& place) {
  const Failure& failure = place.failure;
  const Span first = actionWord(failure);
  const std::string_view word = first.text();
  const grammar::Keyword* keyword = grammar::findKeyword(word);
  if (!isWord(word) || (keyword && (isMeant(keyword->use, failure.entry) || word == "when")))
    return false;
  const Span next = tokenAt(failure, first.end);
  const bool assigned = next.text() == "." || next.text() == "=" || next.text() == "[" || next.text() == "(";
  if (failure.entry == Entry::rule_item && (assigned || (keyword && keyword->reserved)))
    return false;
  auto candidates = words([&](const grammar::Keyword& k) { return isMeant(k.use, failure.entry); });
  if (failure.entry == Entry::rule_item)
    candidates.emplace_back("when");
  if (failure.entry == Entry::rule_item && startsAction(next.text()) && !suggestion(word, candidates)) {
    Diagnostic& error = place.report(Id::syntax, failure.input.span(first.end, first.end),
                                     fmt::format("expected `:` after `{}`", word));
    error.label = "a rule's name ends in a colon";
    error.fixits.push_back({failure.input.span(first.end, first.end), ":"});
    return true;
  }
  const char* what = failure.entry == Entry::top_item    ? "declaration"
                     : failure.entry == Entry::test_item ? "line of a test"
                     : failure.entry == Entry::promise   ? "promise"
                                                         : "rule or statement";
  return reportUnknown(place, first, what, candidates);
}

bool unknownClause(const Place& place) {
  if (!expects(place.failure, "a clause") || !isWord(place.word))
    return false;
  auto candidates = words([](const grammar::Keyword& k) { return k.use == Use::clause; });
  candidates.emplace_back("when full");
  return reportUnknown(place, place.token, "clause", candidates);
}

// `expect dorp by x`
bool unknownVerdict(const Place& place) {
  const Span first = tokenAt(place.failure, place.failure.statement.begin), second = place.next(first);
  if (first.text() != "expect" || place.before.begin != second.begin || !isWord(second.text()))
    return false;
  if (const grammar::Keyword* keyword = grammar::findKeyword(second.text()); keyword && keyword->reserved)
    return false;
  auto candidates = words([](const grammar::Keyword& k) { return k.use == Use::verdict; });
  const auto meant = suggestion(second.text(), candidates);
  if (!meant)
    return false;
  Diagnostic& error = place.report(Id::unknown_word, second, fmt::format("`{}` is not a verdict", second.text()));
  error.help = fmt::format("did you mean `{}`?", *meant);
  error.fixits.push_back({second, *meant});
  return true;
}

// `default accept`
bool defaultVerdict(const Place& place) {
  const Span first = tokenAt(place.failure, place.failure.statement.begin), verdict = place.next(first);
  const bool ends = place.next(verdict).begin >= place.failure.statement.end;
  if (!place.inRule() || first.text() != "default" || !isWord(verdict.text()) || !ends ||
      grammar::isReserved(verdict.text()))
    return false;
  const auto candidates = words([](const grammar::Keyword& k) { return k.use == Use::verdict; });
  Diagnostic& error = place.report(Id::unknown_word, verdict, fmt::format("`{}` is not a verdict", verdict.text()));
  if (const auto meant = suggestion(verdict.text(), candidates)) {
    error.help = fmt::format("write `default {}`", *meant);
    error.fixits.push_back({verdict, *meant});
  } else {
    error.help = fmt::format("one of {}", fmt::join(candidates, ", "));
  }
  return true;
}

// `ssh: tcp.dport == 22 { drop }`
bool missingWhen(const Place& place) {
  const Failure& failure = place.failure;
  if (!place.inRule() || !failure.statement.block || place.token.begin < failure.statement.end ||
      !expects(failure, "`=`"))
    return false;
  const Span first = actionWord(failure);
  Diagnostic& error = place.report(Id::missing_when, first, "a rule with a block starts with `when`");
  error.fixits.push_back({failure.input.span(first.begin, first.begin), "when "});
  return true;
}

// `count: drop when tcp`
bool reservedRuleName(const Place& place) {
  const Span first = tokenAt(place.failure, place.failure.statement.begin), colon = place.next(first);
  if (!place.inRule() || !grammar::isReserved(first.text()) || colon.text() != ":" || place.next(colon).text() == ":")
    return false;
  place.report(Id::reserved_word, first, fmt::format("`{}` is a word of the language and no name", first.text()))
      .label = "a rule needs another name";
  return true;
}

bool defaultWithColon(const Place& place) {
  const Span first = tokenAt(place.failure, place.failure.statement.begin);
  if (!place.inRule() || first.text() != "default" || place.next(first).text() != ":")
    return false;
  const Span colon = place.next(first);
  place.report(Id::colon_and_equals, colon, "`default` takes no colon").fixits.push_back({colon, ""});
  return true;
}

bool wrongQuotes(const Place& place) {
  if (place.word != "'" && place.word != "`")
    return false;
  place.report(Id::syntax, place.token, fmt::format("unexpected `{}`", place.word)).label =
      "text stands in double quotes";
  return true;
}

// `tcp.dport == 22, 23`, `ip.src in 10.0.0.0/8, 192.0.2.0/24`
bool listWithoutBraces(const Place& place) {
  if (place.word != "," || !place.inRule())
    return false;
  Span word = findWord(place.failure, "==", place.token.begin);
  if (!word.file)
    word = findWord(place.failure, "in", place.token.begin);
  const std::string_view next = place.next(place.token).text();
  if (!word.file || next.empty() || !std::isxdigit(static_cast<unsigned char>(next[0])))
    return false;
  const Span before{word.file, place.next(word).begin, place.token.begin};
  place.report(Id::syntax, place.token, "unexpected `,`").help =
      fmt::format("several values stand in a set: `in {{ {}, … }}`", before.text().substr(0, 60));
  return true;
}

} // namespace

bool reportSlip(const Failure& failure) {
  const Place place(failure);
  constexpr bool (*slips[])(const Place&) = {
      defaultWithColon,   reservedRuleName,  defaultVerdict,  dashInName,          popVlan,
      wrongUnit,          foreignOperator,   sampleAfterWhen, meterBeforeWhen,     meterInCondition,
      meterInParentheses, equalsForColon,    colonForEquals,  detachedUnit,        missingWhen,
      unknownVerdict,     unknownFirstWord,  unknownClause,   equalsForComparison, reservedName,
      wrongQuotes,        nameWithoutQuotes, ifForWhen,       listWithoutBraces};
  return std::any_of(std::begin(slips), std::end(slips), [&](auto slip) { return slip(place); });
}

} // namespace xdpc::parse
