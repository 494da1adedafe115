// See parse.h. Lays the text out, then takes it statement by statement, each matched on its own, and walks into blocks.
// The depth of blocks is bounded by layout.
#include "compiler/parse/parse.h"

#include "compiler/parse/layout.h"
#include "compiler/parse/literal.h"
#include "compiler/parse/match.h"
#include "compiler/parse/mismatch.h"
#include "compiler/parse/rule.h"
#include "compiler/parse/state.h"
#include "compiler/parse/statements.h"
#include "compiler/parse/test.h"

#include "grammar/keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <thread>

namespace xdpc::parse {
namespace {

using diag::Id;

constexpr size_t kWorthAThread = 1000; // boundaries of statements

class Parser {
public:
  Parser(Input& input, const Layout& layout, ast::File& file, Statements from, void (*thread_starts)())
      : input_(input), layout_(layout), file_(file), statements_(from), matcher_(layout.text),
        thread_starts_(thread_starts) {}

  void run();

private:
  void topItem(const Statement& statement);
  void policy(const Statement& statement, const Node* head);
  void rules(const Statement& statement, const Node* head);
  void test(const Statement& statement, const Node* head);
  void protect(const Statement& statement, const Node* head);

  void policyItems(ast::Policy& policy);
  bool policyInHalves(ast::Policy& policy, const Statements& middle);
  void policyItem(const Statement& statement, ast::Policy& policy);
  void fallback(const Statement& statement, const Node& node, ast::Policy& policy);
  std::optional<ast::Rule> ruleItem(const Statement& statement);
  std::optional<ast::Rule> rule(const Statement& statement, const Node& node);
  void ruleBlocks(ast::Rule& rule);
  void behindBlock(const Statement& rest);
  std::vector<ast::BlockItem> blockItems();
  void blockItem(const Statement& statement, std::vector<ast::BlockItem>& items);

  const Node* match(Entry entry, const Statement& statement);
  bool dashedMac(const Statement& statement);
  void endOfBlock();
  void unexpectedBlock(const Statement& statement);
  void missingBlock(const Statement& statement);
  std::string_view firstWord(const Statement& statement) const;
  Span span(const Statement& statement) const { return input_.span(statement.begin, statement.end); }

  Input& input_;
  const Layout& layout_;
  ast::File& file_;
  Statements statements_;
  Matcher matcher_;
  void (*thread_starts_)();
};

// `02-00-5e-00-53-01`, which the grammar takes for ranges and subtraction.
bool Parser::dashedMac(const Statement& statement) {
  constexpr uint32_t size = 17;
  const std::string_view text = layout_.text;
  if (text.substr(statement.begin, statement.end - statement.begin).find('-') == text.npos)
    return false;
  const auto in_mac = [&](uint32_t at) {
    return at < statement.end && (std::isxdigit(static_cast<unsigned char>(text[at])) || text[at] == '-');
  };
  for (uint32_t at = statement.begin; at < statement.end; ++at) {
    if (text[at] == '"') // text is passed over
      for (++at; at < statement.end && text[at] != '"'; ++at)
        at += text[at] == '\\';
    if (at > statement.begin && (in_mac(at - 1) || std::isalnum(static_cast<unsigned char>(text[at - 1])) ||
                                 std::string_view("_.:").find(text[at - 1]) != std::string_view::npos))
      continue;
    uint32_t end = at;
    while (in_mac(end) && (text[end] == '-') == ((end - at) % 3 == 2))
      ++end;
    if (end - at != size || (end < statement.end && (std::isalnum(static_cast<unsigned char>(text[end])) ||
                                                     text[end] == '-' || text[end] == '_')))
      continue;
    std::string ours(text.substr(at, size));
    std::ranges::replace(ours, '-', ':');
    input_.report(Id::bad_address, input_.span(at, end), fmt::format("`{}` is no MAC address", text.substr(at, size)))
        .fixits.push_back({input_.span(at, end), ours});
    return true;
  }
  return false;
}

const Node* Parser::match(Entry entry, const Statement& statement) {
  if (dashedMac(statement))
    return nullptr;
  if (const Node* piece = matcher_.match(entry, statement.begin, statement.end))
    return piece;
  if (!statements_.damaged(statement))
    reportMismatch({input_, layout_.text, entry, statement, matcher_.mismatch()});
  return nullptr;
}

std::string_view Parser::firstWord(const Statement& statement) const {
  uint32_t end = statement.begin;
  while (end < statement.end && layout_.text[end] >= 'a' && layout_.text[end] <= 'z')
    ++end;
  return input_.source.text().substr(statement.begin, end - statement.begin);
}

// A `{` where none belongs: what it holds is passed over.
void Parser::unexpectedBlock(const Statement& statement) {
  if (!statements_.damaged(statement)) {
    const uint32_t brace = statement.limit;
    input_.report(Id::syntax, input_.span(brace, brace + 1), "unexpected `{`").label =
        statement.empty() ? "a block belongs to a rule or a declaration" : "the statement takes no block";
  }
  statements_.skipBlock();
  endOfBlock();
}

void Parser::missingBlock(const Statement& statement) {
  if (statements_.damaged(statement))
    return;
  input_
      .report(Id::syntax, input_.span(statement.end, statement.end),
              fmt::format("expected `{{` after `{}`", span(statement).text()))
      .label = "the statement ends here";
}

// Behind a `}` that ends its statement.
void Parser::endOfBlock() {
  Statement rest = statements_.rest();
  if (rest.empty() && !rest.block)
    return;
  if (!statements_.damaged(rest))
    input_.report(Id::syntax, span(rest), "expected the end of the statement after `}`");
  for (; rest.block; rest = statements_.rest())
    statements_.skipBlock();
}

void Parser::run() {
  while (const auto statement = statements_.next())
    if (input_.emitter.errorCount() < input_.limits.errors)
      topItem(*statement);
    else if (statement->block)
      statements_.skipBlock();
}

void Parser::topItem(const Statement& statement) {
  const std::string_view word = firstWord(statement);
  const Node* node = match(Entry::top_item, statement);
  const bool has_block = word == "policy" || word == "rules" || word == "test" || word == "protect";
  if (!has_block) {
    if (node)
      readDeclaration(input_, *node, file_);
    if (!statement.block)
      return;
    if (node)
      return unexpectedBlock(statement);
    statements_.skipBlock();
    return static_cast<void>(statements_.rest());
  }
  if (!statement.block)
    return node ? missingBlock(statement) : void();
  if (word == "policy")
    policy(statement, node);
  else if (word == "rules")
    rules(statement, node);
  else if (word == "test")
    test(statement, node);
  else
    protect(statement, node);
  endOfBlock();
}

void Parser::policy(const Statement& statement, const Node* head) {
  ast::Policy policy;
  if (head)
    policy.name = input_.name(*Children(*head).begin());
  const auto middle = statements_.secondHalf(kWorthAThread);
  if (!middle || !policyInHalves(policy, *middle))
    policyItems(policy);
  policy.span = input_.span(statement.begin, statements_.blockEnd());
  file_.policies.push_back(std::move(policy));
}

void Parser::policyItems(ast::Policy& policy) {
  while (const auto item = statements_.next())
    policyItem(*item, policy);
}

// The second half in a thread of its own. False where something is wrong: then it is to be read once more behind the
// first one, so that what is said of it is the same, and in order.
bool Parser::policyInHalves(ast::Policy& policy, const Statements& middle) {
  diag::Emitter emitter;
  Input input{input_.source, emitter, input_.limits};
  ast::File file;
  ast::Policy rest;
  Parser second(input, layout_, file, middle, nullptr);
  std::jthread beside([&second, &rest, starts = thread_starts_] {
    if (starts)
      starts();
    second.policyItems(rest);
  });
  const unsigned errors = input_.emitter.errorCount();
  while (statements_.isBefore(middle))
    policyItem(*statements_.next(), policy);
  beside.join();
  if (input_.emitter.errorCount() != errors || policy.otherwise || !emitter.diagnostics().empty())
    return false;
  std::ranges::move(rest.rules, std::back_inserter(policy.rules));
  std::ranges::move(rest.on, std::back_inserter(policy.on));
  policy.otherwise = std::move(rest.otherwise);
  policy.default_span = rest.default_span;
  statements_.goTo(second.statements_);
  return true;
}

void Parser::rules(const Statement& statement, const Node* head) {
  ast::RulesDecl rules;
  if (head) {
    rules.name = input_.name(*Children(*head).begin());
    if (const Node* was = find(*head, Kind::formerly))
      rules.was = input_.name(*Children(*was).begin());
  }
  while (const auto item = statements_.next())
    if (auto rule = ruleItem(*item))
      rules.rules.push_back(std::move(*rule));
  rules.span = input_.span(statement.begin, statements_.blockEnd());
  file_.rules.push_back(std::move(rules));
}

void Parser::test(const Statement& statement, const Node* head) {
  ast::Test test;
  if (head)
    test.title = readText(input_, *Children(*head).begin());
  while (const auto item = statements_.next()) {
    const Node* line = match(Entry::test_item, *item);
    if (line)
      test.lines.push_back(readTestLine(input_, *line));
    if (item->block && line)
      unexpectedBlock(*item);
    else if (item->block)
      statements_.skipBlock(), endOfBlock();
  }
  test.span = input_.span(statement.begin, statements_.blockEnd());
  file_.tests.push_back(std::move(test));
}

void Parser::protect(const Statement& statement, const Node* head) {
  const std::string title = head ? readText(input_, *Children(*head).begin()) : std::string();
  bool any = false;
  while (const auto item = statements_.next()) {
    any = true;
    const Node* promise = match(Entry::promise, *item);
    if (promise)
      file_.protects.push_back(readPromise(input_, *promise, title));
    if (item->block && promise)
      unexpectedBlock(*item);
    else if (item->block)
      statements_.skipBlock(), endOfBlock();
  }
  if (!any && !statements_.damaged(statement))
    input_.report(Id::syntax, span(statement), "a promise without a line").help =
        "write `never drop when …` in its block";
}

void Parser::policyItem(const Statement& statement, ast::Policy& policy) {
  const Node* node = match(Entry::rule_item, statement);
  if (node && node->kind == Kind::fallback)
    return fallback(statement, *node, policy);
  if (node && node->kind == Kind::on_verdict) {
    policy.on.push_back(readOnVerdict(input_, *node));
    return statement.block ? unexpectedBlock(statement) : void();
  }
  if (!node && firstWord(statement) == "default" && !policy.default_span.file)
    policy.default_span = span(statement); // it is there, and wrong: nobody says that it is missing
  if (!node && statement.block) {          // its statements may hold errors of their own
    ast::Rule discarded;
    return ruleBlocks(discarded);
  }
  auto result = node ? rule(statement, *node) : std::nullopt;
  if (!result)
    return;
  if (policy.otherwise)
    input_.report(Id::misplaced_statement, result->span, "a rule stands behind `default`").label =
        "`default` comes last";
  policy.rules.push_back(std::move(*result));
}

void Parser::fallback(const Statement& statement, const Node& node, ast::Policy& policy) {
  const bool twice = policy.otherwise.has_value();
  std::vector<ast::BlockItem> items;
  const Children action(node);
  if (!action.empty()) {
    items.emplace_back();
    items.back().statement = readStatement(input_, *action.begin());
    if (statement.block)
      unexpectedBlock(statement);
  } else if (statement.block) {
    items = blockItems();
    endOfBlock();
  } else {
    input_.report(Id::syntax, input_.span(statement.end, statement.end), "expected a verdict or `{` after `default`");
  }
  const Span whole = input_.span(statement.begin, statement.block ? statements_.blockEnd() : statement.end);
  if (twice) {
    input_.report(Id::misplaced_statement, whole, "`default` is given twice")
        .notes.push_back({policy.default_span, "the first one is here"});
    return;
  }
  policy.otherwise = std::move(items);
  policy.default_span = whole;
}

// A rule of `rules` or of a block.
std::optional<ast::Rule> Parser::ruleItem(const Statement& statement) {
  const Node* node = match(Entry::rule_item, statement);
  if (node && (node->kind == Kind::fallback || node->kind == Kind::on_verdict)) {
    input_
        .report(Id::misplaced_statement, span(statement),
                fmt::format("`{}` stands outside of a policy", firstWord(statement)))
        .label = "it belongs directly into `policy`";
    node = nullptr;
  }
  if (node)
    return rule(statement, *node);
  if (statement.block) {
    ast::Rule discarded;
    ruleBlocks(discarded);
  }
  return std::nullopt;
}

std::optional<ast::Rule> Parser::rule(const Statement& statement, const Node& node) {
  ast::Rule rule = readRule(input_, node);
  if (node.kind == Kind::plain_rule) {
    if (!statement.block)
      return rule;
    const uint32_t brace = statement.limit;
    diag::Diagnostic& error =
        input_.report(Id::missing_when, input_.span(brace, brace + 1), "a rule with a block starts with `when`");
    error.label = "the rule's action stands before it already";
    error.help = "write `when condition { …; drop }`";
    ruleBlocks(rule);
    return std::nullopt;
  }
  if (!statement.block) {
    missingBlock(statement);
    return std::nullopt;
  }
  ruleBlocks(rule);
  rule.span.end = statements_.blockEnd();
  return rule;
}

// What is no `else {`.
void Parser::behindBlock(const Statement& rest) {
  const bool other = firstWord(rest) == "else";
  diag::Diagnostic& error =
      input_.report(Id::syntax, span(rest),
                    other ? "expected `{` after `else`" : "expected `else` or the end of the statement after `}`");
  const std::string_view text = span(rest).text();
  const size_t at = text.find_first_not_of(' ', 4);
  if (!other || at == text.npos || !(text.substr(at).starts_with("if ") || text.substr(at).starts_with("when ")))
    return;
  error.message = fmt::format("`else` is followed by `{}`, not by its block", text.substr(at, text.find(' ', at) - at));
  error.label = "an `else` has a block";
  error.help = "put the second condition into it: `else { when … { … } }`";
}

// The block of a `when`, and of its `else`.
void Parser::ruleBlocks(ast::Rule& rule) {
  rule.block = true;
  rule.body = blockItems();
  const Statement rest = statements_.rest();
  if (rest.empty() && !rest.block)
    return;
  if (span(rest).text() == "else" && rest.block) {
    rule.otherwise = blockItems();
    return endOfBlock();
  }
  if (!statements_.damaged(rest))
    behindBlock(rest);
  if (rest.block) {
    statements_.skipBlock();
    endOfBlock();
  }
}

std::vector<ast::BlockItem> Parser::blockItems() {
  std::vector<ast::BlockItem> items;
  while (const auto statement = statements_.next())
    blockItem(*statement, items);
  return items;
}

void Parser::blockItem(const Statement& statement, std::vector<ast::BlockItem>& items) {
  auto rule = ruleItem(statement);
  if (!rule)
    return;
  if (rule->name)
    input_.report(Id::misplaced_statement, rule->name->span, "a name inside of a block").label =
        "only the rules of a policy have names";
  items.emplace_back();
  if (!rule->block && !rule->condition && !rule->meter)
    items.back() = std::move(rule->body[0]);
  else
    items.back().nested.push_back(std::move(*rule));
}

} // namespace

ast::File parse(const SourceFile& source, diag::Emitter& emitter, const Limits& limits, void (*thread_starts)()) {
  ast::File file;
  file.source = &source;
  if (const auto layout = layOut(source, emitter, limits)) {
    Input input{source, emitter, limits};
    Parser(input, *layout, file, Statements(*layout), thread_starts).run();
  }
  return file;
}

} // namespace xdpc::parse
