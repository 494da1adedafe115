// Declarations, rules and tests as text, in the order of ast::File's members. See print.h; expressions are in
// print_expr.cpp.
#include "compiler/ast/print.h"

#include <fmt/format.h>

#include <iterator>

namespace xdpc::ast {
namespace {

class Printer {
public:
  std::string take() { return std::move(out_); }

  void file(const File& file);

private:
  template <class... Args> void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  template <class Body> void indented(Body body) {
    ++depth_;
    body();
    --depth_;
  }

  void clauses(const Clauses& clauses);
  void initial(const std::optional<Expr>& initial);
  void set(const SetDecl& set);
  void map(const MapDecl& map);
  void header(const HeaderDecl& header);
  void field(const HeaderField& field);
  void payload(const PayloadBy& payload);
  void policy(const Policy& policy);
  void rule(const Rule& rule, const char* word);
  void meterUse(const MeterUse& use);
  void items(const std::vector<BlockItem>& items);
  void statement(const Statement& statement);
  void test(const Test& test);
  void testLine(const TestLine& line);

  std::string out_;
  unsigned depth_ = 0;
};

std::string joined(const std::vector<Expr>& exprs) {
  std::string text;
  for (const Expr& expr : exprs)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", toText(expr));
  return text;
}

std::string joined(const std::vector<Name>& names, const char* separator = ", ") {
  std::string text;
  for (const Name& name : names)
    text += fmt::format("{}{}", text.empty() ? "" : separator, name.text);
  return text;
}

// dev "eth1", cpus 0-3 by hash(ip.src, ip.dst)
std::string targetText(const Name& kind, const std::vector<Expr>& exprs) {
  const std::vector<Expr> keys(exprs.begin() + 1, exprs.end());
  return fmt::format("{} {}{}", kind.text, toText(exprs.at(0)),
                     keys.empty() ? "" : fmt::format(" by hash({})", joined(keys)));
}

std::string types(const std::vector<Name>& names) {
  return names.size() == 1 ? names[0].text : fmt::format("({})", joined(names));
}

template <class Former> std::string formerly(const Former& was) {
  return was ? " was " + was->text : "";
}

std::string fields(const std::vector<std::pair<Name, Expr>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name.text, toText(value));
  return text;
}

std::string packetText(const Packet& packet) {
  std::string text;
  for (const PacketPart& part : packet.parts) {
    const std::string inside = part.values.empty() ? fields(part.fields) : joined(part.values);
    text += fmt::format("{}{}", text.empty() ? "" : "/", part.name.text);
    text += inside.empty() ? "" : fmt::format("({})", inside);
  }
  return packet.truncate ? fmt::format("{} truncate {}", text, *packet.truncate) : text;
}

void Printer::clauses(const Clauses& clauses) {
  indented([&] {
    if (clauses.rate)
      line("rate {}", toText(*clauses.rate));
    if (clauses.burst)
      line("burst {}", toText(*clauses.burst));
    if (!clauses.per.empty())
      line("per {}", joined(clauses.per));
    if (clauses.capacity)
      line("capacity {}", toText(*clauses.capacity));
    if (clauses.timeout)
      line("timeout {}", toText(*clauses.timeout));
    if (clauses.when_full)
      line("when full {}", clauses.when_full->text);
    if (clauses.clock_exact)
      line("clock exact");
    if (clauses.count)
      line("count");
  });
}

void Printer::initial(const std::optional<Expr>& initial) {
  if (initial)
    indented([&] { line("= {}", toText(*initial)); });
}

void Printer::set(const SetDecl& set) {
  line("set {}{} of {}", set.name.text, formerly(set.was), types(set.key));
  clauses(set.clauses);
  initial(set.initial);
}

void Printer::map(const MapDecl& map) {
  line("map {} of {} -> {}", map.name.text, types(map.key), types(map.value));
  initial(map.initial);
}

void Printer::field(const HeaderField& field) {
  if (field.derived)
    return line("{} = {}", field.name.text, toText(*field.derived));
  line("{}: {}{}{}", field.name.text, field.type.text, field.ahead ? " ahead" : "",
       field.when ? " when " + toText(*field.when) : "");
  indented([&] {
    for (const HeaderField& part : field.parts)
      this->field(part);
  });
}

void Printer::payload(const PayloadBy& payload) {
  const std::string when = payload.when ? " when " + toText(*payload.when) : "";
  if (payload.single)
    return line("payload {}{}", payload.single->text, when);
  const std::string entries = payload.entries.empty() ? "" : fmt::format(" {{{}}}", joined(payload.entries));
  line("payload by {}{}{}", payload.by->text, when, entries);
}

void Printer::header(const HeaderDecl& header) {
  const char* word = header.extend      ? "extend"
                     : header.tunnel    ? "tunnel header"
                     : header.extension ? "extension header"
                                        : "header";
  const std::string of = header.extension_of ? " of " + header.extension_of->text : "";
  const std::string alternatives = header.alternatives.empty() ? "" : " = " + joined(header.alternatives, " | ");
  line("{} {}{}{}", word, header.name.text, of, alternatives);
  indented([&] {
    for (const HeaderField& field : header.fields)
      this->field(field);
    if (header.size)
      line("size {}", toText(*header.size));
    if (header.length)
      line("length {}", toText(*header.length));
    for (const HeaderOption& option : header.options) {
      line("option {}", option.number);
      indented([&] {
        for (const HeaderField& field : option.fields)
          this->field(field);
      });
    }
    for (const PayloadBy& payload : header.payload)
      this->payload(payload);
  });
}

void Printer::statement(const Statement& statement) {
  const std::string sample = statement.sample ? fmt::format(" sample 1/{}", *statement.sample) : "";
  const auto expr = [&](size_t i) { return toText(statement.exprs.at(i)); };
  switch (statement.kind) {
  case StatementKind::Verdict:
    return line("{}", statement.name.text);
  case StatementKind::Redirect:
    return line("redirect to {}", targetText(statement.name, statement.exprs));
  case StatementKind::Count:
    return line("count {}", statement.name.text);
  case StatementKind::Emit:
    return line("emit {}{}", statement.name.text, sample);
  case StatementKind::Add:
    return line("add {} to {}{}", expr(0), statement.name.text, statement.exprs.size() > 1 ? " for " + expr(1) : "");
  case StatementKind::Remove:
    return line("remove {} from {}", expr(0), statement.name.text);
  case StatementKind::Assign:
    return line("{} = {}", expr(0), expr(1));
  case StatementKind::Push:
    return line("push {}({})", statement.name.text, fields(statement.fields));
  case StatementKind::Pop:
    return line("pop {}", statement.name.text);
  case StatementKind::Apply:
    return line("apply {}", statement.name.text);
  }
}

void Printer::items(const std::vector<BlockItem>& items) {
  indented([&] {
    for (const BlockItem& item : items) {
      if (item.statement)
        statement(*item.statement);
      for (const Rule& nested : item.nested)
        rule(nested, "rule");
    }
  });
}

void Printer::meterUse(const MeterUse& use) {
  line("{}{}", use.within ? "within" : "over", use.name ? " " + use.name->text : "");
  if (!use.name)
    clauses(use.inline_meter);
}

void Printer::rule(const Rule& rule, const char* word) {
  line("{}{}{}", word, rule.name ? " " + rule.name->text : "", formerly(rule.was));
  indented([&] {
    if (rule.condition)
      line("when {}", toText(*rule.condition));
    if (rule.meter)
      meterUse(*rule.meter);
    line("{}", rule.block ? "block" : "do");
    items(rule.body);
    if (rule.otherwise) {
      line("else");
      items(*rule.otherwise);
    }
  });
}

void Printer::policy(const Policy& policy) {
  line("policy {}", policy.name.text);
  indented([&] {
    for (const Rule& rule : policy.rules)
      this->rule(rule, "rule");
    for (const OnVerdict& on : policy.on) {
      line("on {}{}", on.verdict.text, on.condition ? " when " + toText(*on.condition) : "");
      indented([&] { statement(on.emit); });
    }
    if (policy.otherwise) {
      line("default");
      items(*policy.otherwise);
    }
  });
}

void Printer::testLine(const TestLine& test) {
  const std::string value = joined(test.values);
  switch (test.kind) {
  case TestLineKind::Given:
    return line("given {} = {}", test.name.text, value);
  case TestLineKind::Wait:
    return line("wait {}", value);
  case TestLineKind::Has:
    return line("expect {} has {}", test.name.text, value);
  case TestLineKind::Lacks:
    return line("expect {} lacks {}", test.name.text, value);
  case TestLineKind::Event:
    return line("expect event {} {} {}", test.name.text, spelling(test.op), test.number);
  case TestLineKind::Counter:
    return line("expect counter {}{} {} {}", test.name.text, value.empty() ? "" : fmt::format("[{}]", value),
                spelling(test.op), test.number);
  case TestLineKind::Packet:
    break;
  }
  const std::string target = test.target.empty() ? "" : " to " + targetText(test.redirect_kind, test.target);
  const std::string becomes = test.becomes ? " becomes " + packetText(*test.becomes) : "";
  const std::string times = test.times == 1 ? "" : fmt::format(" times {}", test.times);
  line("expect {}{}{} for {}{}{}", test.verdict.text, target, test.rule ? " by " + test.rule->text : "",
       test.packet ? packetText(*test.packet) : "", becomes, times);
}

void Printer::test(const Test& test) {
  line("test \"{}\"", test.title);
  indented([&] {
    for (const TestLine& line : test.lines)
      testLine(line);
  });
}

void Printer::file(const File& file) {
  for (const Use& use : file.uses)
    line("use \"{}\"", use.path);
  for (const ExternDecl& one : file.externs)
    line("extern \"{}\" fn {}({}) -> {}", one.path, one.name.text, joined(one.parameters), one.result.text);
  for (const Constant& constant : file.constants)
    line("const {} = {}", constant.name.text, toText(constant.value));
  for (const SetDecl& set : file.sets)
    this->set(set);
  for (const MapDecl& map : file.maps)
    this->map(map);
  for (const CounterDecl& counter : file.counters) {
    line("counter {}{}", counter.name.text, formerly(counter.was));
    clauses(counter.clauses);
  }
  for (const MeterDecl& meter : file.meters) {
    line("meter {}{}", meter.name.text, formerly(meter.was));
    clauses(meter.clauses);
  }
  for (const EventDecl& event : file.events)
    line("event {} {{{}}}", event.name.text, joined(event.fields));
  for (const HeaderDecl& header : file.headers)
    this->header(header);
  for (const RulesDecl& rules : file.rules) {
    line("rules {}{}", rules.name.text, formerly(rules.was));
    indented([&] {
      for (const Rule& rule : rules.rules)
        this->rule(rule, "rule");
    });
  }
  for (const Policy& policy : file.policies)
    this->policy(policy);
  for (const Protect& protect : file.protects)
    line("protect \"{}\": never {} when {}", protect.title, protect.verdict.text, toText(protect.condition));
  for (const Test& test : file.tests)
    this->test(test);
}

} // namespace

std::string toText(const File& file) {
  Printer printer;
  printer.file(file);
  return printer.take();
}

} // namespace xdpc::ast
