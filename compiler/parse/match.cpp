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

// The nodes of what matched.
struct Record {
  std::vector<Node>& nodes; // of which `count` are in use: most that are opened are taken back
  const char* origin;
  uint32_t count = 0;

  void open(Kind kind, const char* begin) {
    if (count == nodes.size())
      nodes.resize(std::max<size_t>(64, 2 * nodes.size()));
    nodes[count++] = {kind, static_cast<uint32_t>(begin - origin), 0, 1};
  }
  void close(uint32_t node, const char* begin, const char* end) {
    while (end > begin && end[-1] == ' ')
      --end;
    nodes[node].end = static_cast<uint32_t>(end - origin);
    nodes[node].size = count - node;
  }

  struct Mark {};
  Mark mark() const { return {}; }
  void missed(const char*, std::string_view, Mark) {}
};

// And what was expected where nothing did.
struct NotingRecord : Record {
  std::vector<std::string_view>& expected;
  const char* furthest;

  struct Mark {
    size_t noted;
    const char* furthest;
  };
  Mark mark() const { return {expected.size(), furthest}; }

  // What was noted inside the rule at its very beginning gives way to the rule's own description.
  void missed(const char* begin, std::string_view description, Mark before) {
    if (begin < furthest)
      return;
    expected.resize(begin == furthest && begin == before.furthest ? before.noted : 0);
    furthest = begin;
    expected.push_back(description);
  }
};

template <class Rule> struct Control : pegtl::normal<Rule> {
  static constexpr bool enable = false; // match() below is all that is wanted

  template <pegtl::apply_mode A, pegtl::rewind_mode M, template <class...> class Action, template <class...> class C,
            class AnyRecord>
  [[nodiscard]] static bool match(Input& in, AnyRecord& record) {
    constexpr bool looking_ahead = A == pegtl::apply_mode::nothing;
    if constexpr (looking_ahead) {
      return pegtl::match<Rule, A, M, Action, C>(in, record);
    } else {
      constexpr std::string_view described = description<Rule>();
      const uint32_t first = record.count;
      const char* const begin = in.current();
      const auto mark = record.mark();
      if constexpr (kind_of<Rule> != Kind::none)
        record.open(kind_of<Rule>, begin);
      if (pegtl::match<Rule, A, M, Action, C>(in, record)) {
        if constexpr (kind_of<Rule> != Kind::none)
          record.close(first, begin, in.current());
        return true;
      }
      record.count = first;
      if constexpr (!described.empty())
        record.missed(begin, described, mark);
      return false;
    }
  }
};

template <class Rule, class AnyRecord> bool run(Input& in, AnyRecord& record) {
  return pegtl::parse<grammar::piece<Rule>, pegtl::nothing, Control>(in, record);
}

template <class AnyRecord> bool run(Entry entry, Input&& in, AnyRecord& record) {
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

// What was expected is of use only where nothing matches: the piece is gone through again then.
const Node* Matcher::match(Entry entry, uint32_t begin, uint32_t end) {
  const char* const text = text_.data(); // and never beyond `end`
  Record plain{nodes_, text};
  if (run(entry, Input(text + begin, text + end, ""), plain))
    return nodes_.data();
  auto& expected = mismatch_.expected;
  expected.clear();
  NotingRecord record{{nodes_, text}, expected, text + begin};
  run(entry, Input(text + begin, text + end, ""), record);
  mismatch_.offset = static_cast<uint32_t>(record.furthest - text);
  for (auto it = expected.begin(); it != expected.end();)
    it = std::find(expected.begin(), it, *it) == it ? it + 1 : expected.erase(it);
  return nullptr;
}

} // namespace xdpc::parse
