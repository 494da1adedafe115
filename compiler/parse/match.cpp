// See match.h. The control class below is called for every attempt at a rule: it keeps the nodes of selected rules,
// takes them back when an alternative fails, and notes what was expected at the furthest place.
#include "compiler/parse/match.h"

#include "grammar/file.h"

#include <algorithm>
#include <array>

namespace xdpc::parse {
namespace {

namespace pegtl = tao::pegtl;
using Input = pegtl::memory_input<pegtl::tracking_mode::lazy, pegtl::eol::lf, const char*>;

template <class Rule> inline constexpr Kind kind_of = Kind::none;
#define XDPC_NODE(rule) template <> inline constexpr Kind kind_of<grammar::rule> = Kind::rule;
XDPC_NODES(XDPC_NODE)
#undef XDPC_NODE
template <> inline constexpr Kind kind_of<grammar::condition> = Kind::expression;
template <> inline constexpr Kind kind_of<grammar::single> = Kind::expression;
template <> inline constexpr Kind kind_of<grammar::duration> = Kind::expression;
template <> inline constexpr Kind kind_of<grammar::inline_rate> = Kind::expression;
template <> inline constexpr Kind kind_of<grammar::packet_value> = Kind::expression;
template <> inline constexpr Kind kind_of<grammar::field_part> = Kind::header_field;

template <auto S> struct Quoted {
  static constexpr auto make() {
    std::array<char, sizeof(S.letters) + 1> text{};
    text.front() = text.back() = '`';
    std::copy_n(S.letters, sizeof(S.letters) - 1, text.begin() + 1);
    return text;
  }
  static constexpr auto text = make();
};

// How a rule is called where it was expected; empty: it is not mentioned, its parts are.
template <class Rule> constexpr std::string_view description() {
  if constexpr (requires { Rule::spelled; })
    return {Quoted<Rule::spelled>::text.data(), Quoted<Rule::spelled>::text.size()};
  else
    return {};
}
#define XDPC_DESCRIBE(rule, words)                                                                                     \
  template <> constexpr std::string_view description<grammar::rule>() {                                                \
    return words;                                                                                                      \
  }
XDPC_DESCRIBE(name, "a name")
XDPC_DESCRIBE(any_word, "a name")
XDPC_DESCRIBE(number, "a number")
XDPC_DESCRIBE(literal, "a number")
XDPC_DESCRIBE(inline_rate, "a rate")
XDPC_DESCRIBE(bytes_literal, "text in quotes")
XDPC_DESCRIBE(title, "text in quotes")
XDPC_DESCRIBE(equals, "`=`")
XDPC_DESCRIBE(close_paren, "`)`")
XDPC_DESCRIBE(close_set, "`}`")
XDPC_DESCRIBE(close_index, "`]`")
XDPC_DESCRIBE(operand, "a value")
XDPC_DESCRIBE(expression, "a value")
XDPC_DESCRIBE(packet_value, "a value")
XDPC_DESCRIBE(single, "a value")
XDPC_DESCRIBE(duration, "a time")
XDPC_DESCRIBE(unit, "a unit")
XDPC_DESCRIBE(condition, "a condition")
XDPC_DESCRIBE(field_name, "a field's name")
XDPC_DESCRIBE(operation, "an operator")
XDPC_DESCRIBE(comparison_sign, "a comparison")
XDPC_DESCRIBE(type, "a type")
XDPC_DESCRIBE(clause, "a clause")
XDPC_DESCRIBE(verdict, "a verdict")
XDPC_DESCRIBE(any_verdict, "a verdict")
XDPC_DESCRIBE(target, "`dev`, `cpu`, `cpus` or `socket`")
XDPC_DESCRIBE(action, "an action")
XDPC_DESCRIBE(rule_item, "a rule")
XDPC_DESCRIBE(header_item, "a field or a clause")
XDPC_DESCRIBE(header_field, "a field")
XDPC_DESCRIBE(field_part, "a field")
XDPC_DESCRIBE(packet_part, "a header")
XDPC_DESCRIBE(top_item, "a declaration")
XDPC_DESCRIBE(test_item, "`given`, `expect` or `wait`")
XDPC_DESCRIBE(end, "the end of the statement")
#undef XDPC_DESCRIBE

struct Record {
  std::vector<Node>& nodes;
  std::vector<std::string_view>& expected;
  const char* origin;
  const char* furthest;

  void close(uint32_t node, const char* begin, const char* end) {
    while (end > begin && end[-1] == ' ')
      --end;
    nodes[node].end = static_cast<uint32_t>(end - origin);
    nodes[node].size = static_cast<uint32_t>(nodes.size()) - node;
  }

  // What was noted inside the rule at its very beginning gives way to the rule's own description.
  void missed(const char* begin, std::string_view description, size_t noted_before, const char* furthest_before) {
    if (begin < furthest)
      return;
    expected.resize(begin == furthest && begin == furthest_before ? noted_before : 0);
    furthest = begin;
    expected.push_back(description);
  }
};

template <class Rule> struct Control : pegtl::normal<Rule> {
  static constexpr bool enable = false; // match() below is all that is wanted

  template <pegtl::apply_mode A, pegtl::rewind_mode M, template <class...> class Action, template <class...> class C>
  [[nodiscard]] static bool match(Input& in, Record& record) {
    constexpr bool looking_ahead = A == pegtl::apply_mode::nothing;
    if constexpr (looking_ahead) {
      return pegtl::match<Rule, A, M, Action, C>(in, record);
    } else {
      constexpr std::string_view described = description<Rule>();
      const auto first = static_cast<uint32_t>(record.nodes.size());
      const size_t noted = record.expected.size();
      const char* const begin = in.current();
      const char* const furthest = record.furthest;
      if constexpr (kind_of<Rule> != Kind::none)
        record.nodes.push_back({kind_of<Rule>, static_cast<uint32_t>(begin - record.origin), 0, 1});
      if (pegtl::match<Rule, A, M, Action, C>(in, record)) {
        if constexpr (kind_of<Rule> != Kind::none)
          record.close(first, begin, in.current());
        return true;
      }
      record.nodes.resize(first);
      if constexpr (!described.empty())
        record.missed(begin, described, noted, furthest);
      return false;
    }
  }
};

template <class Rule> bool run(Input& in, Record& record) {
  return pegtl::parse<grammar::piece<Rule>, pegtl::nothing, Control>(in, record);
}

bool run(Entry entry, Input& in, Record& record) {
  switch (entry) {
  case Entry::top_item:
    return run<grammar::top_item>(in, record);
  case Entry::rule_item:
    return run<grammar::rule_item>(in, record);
  case Entry::test_item:
    return run<grammar::test_item>(in, record);
  case Entry::promise:
    return run<grammar::promise>(in, record);
  }
  return false;
}

} // namespace

const Node* Matcher::match(Entry entry, uint32_t begin, uint32_t end) {
  nodes_.clear();
  mismatch_.expected.clear();
  const char* const text = text_.data(); // and never beyond `end`
  Record record{nodes_, mismatch_.expected, text, text + begin};
  Input in(text_.data() + begin, text_.data() + end, "");
  if (run(entry, in, record))
    return nodes_.data();
  mismatch_.offset = static_cast<uint32_t>(record.furthest - text_.data());
  auto& expected = mismatch_.expected;
  for (auto it = expected.begin(); it != expected.end();)
    it = std::find(expected.begin(), it, *it) == it ? it + 1 : expected.erase(it);
  return nullptr;
}

} // namespace xdpc::parse
