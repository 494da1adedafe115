// Random policies.
#include "tests/differential/random_policy.h"

#include "tests/differential/random_rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::differential {

namespace {

// A dynamic set, and what asks it: `part` is written before `in` and after `add`.
struct SetChoice {
  std::string declaration, name;
  std::vector<std::string> keys;
};

const std::vector<SetChoice>& setChoices() {
  static const std::vector<SetChoice> choices = {
      {"set hosts of ip { timeout 5s }", "hosts", {"ip.src", "ip.dst"}},
      {"set nets of ip.prefix = { 198.51.100.0/24, 2001:db8:1::/64 }", "nets", {"ip.src", "ip.dst"}},
      {"set banned of ip.prefix { timeout 2s }", "banned", {"ip.src", "ip.dst"}},
      {"set v4 of ipv4", "v4", {"ipv4.src", "ipv4.dst", "arp.sender_ip"}},
      {"set v6nets of ipv6.prefix { timeout 3s }", "v6nets", {"ipv6.src", "ipv6.dst"}},
      {"set ports of port = { 9, 53 }", "ports", {"l4.dport", "l4.sport", "tcp.dport", "udp.sport"}},
      {"set macs of mac { timeout 1s }", "macs", {"eth.src", "eth.dst"}},
      {"set tags of u16", "tags", {"vlan.id", "eth.type"}},
      {"set flows of (ip, port) { timeout 4s }", "flows", {"(ip.src, l4.dport)", "(ip.dst, l4.sport)"}},
      {"set scopes of (ip.prefix, u8) = { (198.51.100.0/24, 6) }", "scopes", {"(ip.src, ip.proto)"}},
      {"set pairs of (ip.prefix, ip.prefix) = { (198.51.100.0/24, 0.0.0.0/0), (2001:db8:1::/48, 2001:db8:2::/48) }",
       "pairs",
       {"(ip.src, ip.dst)", "(ip.dst, ip.src)"}},
      {"set longest of ip.prefix { timeout 3s  count } = { 0.0.0.0/0, 2001:db8:1::/64 }",
       "longest",
       {"ip.src", "ip.dst"}},
      {"set sizes of u32 { timeout 9s }", "sizes", {"pkt.len"}},
      {"set places of (u32, u16) = { (60, 2) }", "places", {"(pkt.len, site[ip.src])"}},
  };
  return choices;
}

// Of so few that packets fill them. In up to 32 places every key can go everywhere.
const std::vector<std::string> kCapacities = {"capacity 3", "capacity 16 when full refuse", "capacity 20",
                                              "capacity 32 when full refuse"};
const std::vector<std::string> kMeterCapacities = {" capacity 16", " capacity 20 when full drop",
                                                   " capacity 1 when full pass"};

// Keys that are masked can be added to these, and nothing else has them.
const std::vector<std::string> kMaskedAdds = {"ip.src/24/64 to banned",
                                              "ip.dst/16/48 to nets",
                                              "ipv6.src/64 to v6nets",
                                              "ip.src/32/128 to nets",
                                              "(ip.src/24/64, ip.dst/8/32) to pairs",
                                              "ip.src/16/48 to longest"};

// Their costs are whole ns, so that the tokens are exact.
const std::vector<std::string> kMeterRates = {"rate 1 pps burst 2",     "rate 2 pps",
                                              "rate 10 pps burst 3",    "rate 1 kpps burst 1",
                                              "rate 8 kbps burst 200B", "rate 4 kbps burst 90B"};
const std::vector<std::string> kMeterKeys = {"",
                                             " per ip.src",
                                             " per ip.src/24/64",
                                             " per (ip.src, l4.dport)",
                                             " per vlan.id",
                                             " per eth.src",
                                             " per pkt.len",
                                             " per (site[ip.src], pkt.len)"};

const std::vector<std::string> kNetworks = {
    "198.51.100.0/24",      "203.0.112.0/20", "192.0.0.0/8",   "0.0.0.0/1",    "10.0.0.0/8",
    "2001:db8:1::/48",      "::/3",           "2001:db8:2::1", "198.51.100.1", "2001:db8:1::/113",
    "192.0.2.7-203.0.113.1"};

constexpr uint64_t kHeaders = 3; // in a policy, besides IP and its transports

class PolicyMaker {
public:
  PolicyMaker(const Vocabulary& words, Random& random) : words_(words), random_(random) {}

  PolicyText run() {
    chooseFields();
    rewrites_.emplace(words_, random_, fields_);
    rewrites_often_ = random_.percent(50);
    declareState();
    if (random_.percent(50))
      made_.declarations.push_back(list());
    for (uint64_t i = 3 + random_.below(8); i > 0; --i)
      made_.rules.push_back(has_list_ && random_.percent(20) ? apply() : rule(made_.rules.size() + 1));
    for (const char* verdict : {"pass", "drop", "tx", "redirect"})
      if (random_.percent(25))
        made_.rules.push_back(
            fmt::format("on {} emit seen sample 1/{} when {}", verdict, 1 + random_.below(3), condition(1)));
    if (random_.percent(30))
      made_.default_block = "default drop";
    return std::move(made_);
  }

private:
  // All headers in one policy would make a leaf of almost each combination.
  void chooseFields() {
    std::vector<std::string> headers = {"ip", "l4"};
    for (uint64_t i = 0; i < kHeaders; ++i)
      headers.push_back(words_.header(random_.pick(words_.headers())).name);
    std::ranges::copy_if(words_.fields(), std::back_inserter(fields_),
                         [&](const FieldName& field) { return std::ranges::count(headers, field.header) > 0; });
    if (random_.percent(60))
      addInner();
  }

  // Each packet in a tunnel that is named has leaves of its own.
  void addInner() {
    std::vector<ir::HeaderId> outer = words_.headers();
    if (random_.percent(80))
      std::erase_if(outer, [&](ir::HeaderId id) { return words_.header(id).kind != ir::HeaderKind::tunnel; });
    const auto depth = random_.percent(15) ? Vocabulary::Depth::two : Vocabulary::Depth::one;
    const auto inner = words_.fieldsBehind(random_.pick(outer), depth, random_);
    for (unsigned times = 0; times < 2; ++times) // they are few
      fields_.insert(fields_.end(), inner.begin(), inner.end());
  }

  void declareState() {
    for (uint64_t i = random_.below(3); i > 0; --i)
      sets_.push_back(random_.pick(setChoices()));
    std::ranges::sort(sets_, {}, &SetChoice::name);
    sets_.erase(std::ranges::unique(sets_, {}, &SetChoice::name).begin(), sets_.end());
    for (const SetChoice& set : sets_)
      made_.declarations.push_back(random_.percent(60) ? bounded(set.declaration) : set.declaration);
    made_.declarations.push_back("counter plain");
    made_.declarations.push_back("const some = { 1, 4-6 }");
    made_.declarations.push_back(
        "map site of ip.prefix -> u16 = { 198.51.100.0/24 => 1, 198.51.100.200 => 2, ::/0 => 3, "
        "2001:db8:1::/48 => 4 }");
    made_.declarations.push_back(
        "map link of (ip.prefix, port) -> u16 = { (198.51.100.0/24, 0-65535) => 1, (198.51.100.0/24, 53-80) => 2, "
        "(198.51.100.1, 9) => 3, (0.0.0.0/0, 9) => 4, (::/0, 0-1023) => 5, (2001:db8:1::/48, 9-53) => 6 }");
    made_.declarations.push_back("map owner of port -> ipv4 = { 9 => 203.0.113.1, 53-80 => 198.51.100.1 }");
    made_.declarations.push_back("map served of port -> u16 = { 9 => 3, 53-443 => 1, 4789 => 7 }");
    made_.declarations.push_back(
        fmt::format("counter keyed {{ per {}{} }}", key(), random_.percent(40) ? " capacity 16" : ""));
    for (unsigned i = 1; i <= 2; ++i)
      made_.declarations.push_back(fmt::format("meter meter{} {{ {}{} }}", i, random_.pick(kMeterRates), meterKey()));
    std::vector<std::string> fields = {"ip.src", "pkt.len"};
    if (random_.percent(40))
      fields.push_back("site[ip.dst]");
    for (uint64_t i = 1 + random_.below(4); i > 0; --i) {
      const FieldName& field = random_.pick(fields_);
      if (!field.is_flag && !std::ranges::count(fields, field.text()))
        fields.push_back(field.text());
    }
    made_.declarations.push_back(fmt::format("event seen {{ {} }}", fmt::join(fields, ", ")));
  }

  std::string bounded(std::string declaration) {
    const std::string& capacity = random_.pick(kCapacities);
    if (const size_t clauses = declaration.find("{ timeout"); clauses != std::string::npos)
      return declaration.insert(clauses + 2, capacity + " ");
    return declaration.insert(std::min(declaration.find(" = "), declaration.size()), " { " + capacity + " }");
  }

  std::string meterKey() {
    const std::string& key = random_.pick(kMeterKeys);
    return key.empty() || random_.percent(50) ? key : key + random_.pick(kMeterCapacities);
  }

  std::string key() {
    const std::vector<std::string> keys = {
        "ip.src",    "ip.src/24/64", "ip.proto",     "(ip.dst, l4.dport)",        "eth.src", "vlan.id", "pkt.ifindex",
        "tcp.flags", "pkt.len",      "site[ip.src]", "(owner[l4.dport], pkt.len)"};
    return random_.pick(keys);
  }

  // ---- rules

  std::string list() {
    std::string text = "rules shared {";
    for (unsigned i = 1; i <= 2; ++i)
      text += " " + rule(100 + i) + ";";
    has_list_ = true;
    return text + " }";
  }

  std::string apply() { return random_.percent(50) ? "apply shared" : "apply shared when " + condition(1); }

  std::string rule(size_t number) {
    const std::string name = fmt::format("rule{}: ", number);
    const std::string guard = condition(2) + meter();
    if (random_.percent(45))
      return fmt::format("{}{} when {}", name, verdict(), guard);
    return fmt::format("{}when {} {{ {} }}{}", name, guard, block(1),
                       random_.percent(20) ? fmt::format(" else {{ {} }}", block(1)) : "");
  }

  std::string meter() {
    return random_.percent(25) ? fmt::format(" {} meter{}", overWithin(), 1 + random_.below(2)) : "";
  }
  const char* overWithin() { return random_.percent(50) ? "over" : "within"; }

  std::string verdict() {
    const std::vector<std::string> verdicts = {"pass", "drop", "drop", "abort", "tx"};
    return random_.percent(15) ? rewrites_->redirect() : random_.pick(verdicts);
  }

  enum class Ending { verdict, none };

  // Where a `when` and its `else` both ended, nothing could stand behind them.
  std::string block(unsigned depth, Ending ending = Ending::verdict) {
    std::vector<std::string> statements;
    for (uint64_t i = 1 + random_.below(3); i > 0; --i)
      statements.push_back(statement(depth));
    if (ending == Ending::verdict && random_.percent(35))
      statements.push_back((random_.percent(30) ? rewrites_->tags() : "") + verdict());
    return fmt::format("{}", fmt::join(statements, "; "));
  }

  std::string statement(unsigned depth) {
    if (random_.percent(rewrites_often_ ? 45 : 5))
      return rewrites_->assignment();
    switch (random_.below(depth > 0 ? 7 : 5)) {
    case 0:
      return "count plain";
    case 1:
      return "count keyed";
    case 2:
      return random_.percent(50) ? "emit seen" : fmt::format("emit seen sample 1/{}", 2 + random_.below(3));
    case 3:
    case 4:
      return changeSet();
    default:
      return fmt::format("when {}{} {{ {} }}{}", condition(1), meter(), block(depth - 1),
                         random_.percent(50) ? fmt::format(" else {{ {} }}", block(depth - 1, Ending::none)) : "");
    }
  }

  std::string changeSet() {
    if (sets_.empty())
      return "count plain";
    const std::string life = random_.percent(50) ? fmt::format(" for {}ms", 1 + random_.below(7000)) : "";
    const SetChoice& set = random_.pick(sets_);
    if (random_.percent(30))
      return fmt::format("remove {} from {}", random_.pick(set.keys), set.name);
    for (const std::string& masked : kMaskedAdds)
      if (masked.ends_with(" " + set.name) && random_.percent(60))
        return fmt::format("add {}{}", masked, life);
    return fmt::format("add {} to {}{}", random_.pick(set.keys), set.name, life);
  }

  // ---- conditions

  std::string condition(unsigned depth) {
    if (depth == 0 || random_.percent(35))
      return random_.percent(20) ? "not " + atom() : atom();
    switch (random_.below(3)) {
    case 0:
      return fmt::format("not ({})", condition(depth - 1));
    case 1:
      return fmt::format("({}) and ({})", condition(depth - 1), condition(depth - 1));
    default:
      return fmt::format("({}) or ({})", condition(depth - 1), condition(depth - 1));
    }
  }

  std::string atom() {
    if (!sets_.empty() && random_.percent(20)) {
      const SetChoice& set = random_.pick(sets_);
      return fmt::format("{} {} {}", random_.pick(set.keys), in(), set.name);
    }
    switch (random_.below(9)) {
    case 3:
      return ofPayload();
    case 0:
      return random_.pick(fields_).header;
    case 1:
      return ofFrame();
    case 2:
      return tuple();
    default:
      return comparison(random_.pick(fields_));
    }
  }

  std::string ofFrame() {
    const std::vector<std::string> choices = {"pkt.malformed",
                                              "pkt.unparsed",
                                              "nd",
                                              fmt::format("pkt.len {} {}", op(), 30 + random_.below(80)),
                                              fmt::format("pkt.ifindex {} {}", op(), 1 + random_.below(3)),
                                              fmt::format("pkt.rx_queue {} 1", op()),
                                              fmt::format("l4.payload_len {} {}", op(), random_.below(40)),
                                              fmt::format("site[ip.src] {} {}", op(), random_.below(5)),
                                              fmt::format("site[ip.src] {} site[ip.dst]", op()),
                                              fmt::format("ip.dst {} site", in()),
                                              fmt::format("link[ip.src, l4.dport] {} {}", op(), random_.below(7)),
                                              fmt::format("(ip.dst, l4.sport) {} link", in()),
                                              fmt::format("owner[l4.dport] {} ipv4.src", equality())};
    return random_.pick(choices);
  }

  std::string ofPayload() {
    const std::vector<std::string> whose = {"payload",      "payload",    "udp.payload",
                                            "icmp.payload", "ip.payload", "eth.payload"};
    const std::string& payload = random_.pick(whose);
    const uint64_t from = random_.below(12);
    switch (random_.below(7)) {
    case 0:
      return fmt::format("{}[{}] {} {}", payload, from, op(), words_.number(8, random_));
    case 1:
      return fmt::format("u32({}[{}:{}]) {} {}", payload, from, from + 1 + random_.below(4), op(),
                         words_.number(8, random_));
    case 2:
      return fmt::format("{}[{}:{}] {} \"{}\"", payload, from, from + 4, equality(), "GET ");
    case 3:
      return fmt::format("{} starts with \"GET /in\"", payload);
    case 4:
      return fmt::format("{}[0:12] {} \"GET /index.h\"", payload, equality());
    case 5:
      return fmt::format("{} contains \"aab\" within {}", payload, 3 + random_.below(40));
    default:
      return fmt::format("{} contains any {{ \"index\", \"xx\", x\"00 ff\" }} within {}", payload,
                         5 + random_.below(60));
    }
  }

  std::string tuple() {
    const ir::Type ip{ir::TypeKind::Ip}, port{ir::TypeKind::Int, 16, true};
    std::vector<std::string> elements;
    if (random_.percent(30)) // so many that they are a tree
      for (uint64_t i = 16 + random_.below(8); i > 0; --i)
        elements.push_back(fmt::format("({}, {}-{})", random_.pick(kNetworks), 8 * random_.below(9), 70 + 7 * i));
    for (uint64_t i = 1 + random_.below(3); i > 0; --i)
      elements.push_back(fmt::format("({}, {})", words_.literal(ip, 0, random_), words_.literal(port, 16, random_)));
    return fmt::format("(ip.src, l4.dport) {} {{ {} }}", in(), fmt::join(elements, ", "));
  }

  std::string comparison(const FieldName& field) {
    switch (field.type.kind) {
    case ir::TypeKind::Bool:
      return random_.percent(70) ? field.text() : fmt::format("{} {} {}", field.text(), equality(), random_.below(2));
    case ir::TypeKind::Int:
      return ofNumber(field);
    case ir::TypeKind::Mac:
      return fmt::format("{} {} {}", field.text(), equality(), literal(field));
    default:
      return ofAddress(field);
    }
  }

  std::string ofNumber(const FieldName& field) {
    switch (random_.below(6)) {
    case 0:
      return fmt::format("{} {} {{ {} }}", field.text(), in(), numbers(field));
    case 1:
      return fmt::format("{} {} {}", arithmetic(field), op(), words_.number(std::min(field.bits, 24u), random_));
    case 2:
      if (const FieldName& other = random_.pick(fields_); other.type.kind == ir::TypeKind::Int)
        return fmt::format("{} {} {}", field.text(), op(), other.text());
      [[fallthrough]];
    default:
      return fmt::format("{} {} {}", field.text(), op(), literal(field));
    }
  }

  std::string arithmetic(const FieldName& field) {
    const std::vector<std::string> forms = {"{} + {}", "{} - {}", "{} * {}", "{} & {}", "({} ^ {})", "({} | {})"};
    if (random_.percent(25))
      return fmt::format("({} {} {})", field.text(), random_.percent(50) ? "<<" : ">>", random_.below(12));
    return "(" + fmt::format(fmt::runtime(random_.pick(forms)), field.text(), words_.number(16, random_)) + ")";
  }

  std::string numbers(const FieldName& field) {
    std::vector<std::string> parts;
    for (uint64_t i = 1 + random_.below(5); i > 0; --i) {
      const uint64_t low = words_.number(field.bits, random_), high = words_.number(field.bits, random_);
      parts.push_back(random_.percent(40) && low < high ? fmt::format("{}-{}", low, high) : std::to_string(low));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  std::string ofAddress(const FieldName& field) {
    const bool both = field.type.kind == ir::TypeKind::Ip;
    switch (random_.below(4)) {
    case 0: {
      const unsigned v4 = static_cast<unsigned>(random_.below(33)), v6 = static_cast<unsigned>(random_.below(129));
      const std::string mask = both                                    ? fmt::format("/{}/{}", v4, v6)
                               : field.type.kind == ir::TypeKind::Ipv4 ? fmt::format("/{}", v4)
                                                                       : fmt::format("/{}", v6);
      const std::string other = std::string(field.name).find("src") != std::string::npos ? "dst" : "src";
      const auto same = std::ranges::find_if(fields_, [&](const FieldName& one) {
        return one.header == field.header && one.name == other && one.type == field.type;
      });
      if (same != fields_.end())
        return fmt::format("{}{} {} {}{}", field.text(), mask, equality(), same->text(), mask);
      [[fallthrough]];
    }
    case 1: {
      std::vector<std::string> elements;
      for (uint64_t i = 1 + random_.below(4); i > 0; --i)
        elements.push_back(prefix(field.type.kind));
      return fmt::format("{} {} {{ {} }}", field.text(), in(), fmt::join(elements, ", "));
    }
    default:
      return fmt::format("{} {} {}", field.text(), equality(), literal(field));
    }
  }

  std::string prefix(ir::TypeKind kind) {
    const std::vector<std::string> v4 = {"198.51.100.0/24", "203.0.112.0/23", "10.0.0.0/8",
                                         "0.0.0.0/0",       "192.0.2.7",      "198.51.100.0-198.51.100.99"};
    const std::vector<std::string> v6 = {"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1", "::/0",
                                         "2001:db8:1::-2001:db8:1::ff"};
    if (kind == ir::TypeKind::Ip)
      kind = random_.percent(50) ? ir::TypeKind::Ipv4 : ir::TypeKind::Ipv6;
    return random_.pick(kind == ir::TypeKind::Ipv4 ? v4 : v6);
  }

  std::string literal(const FieldName& field) { return words_.literal(field.type, field.bits, random_); }
  const char* in() { return random_.percent(25) ? "not in" : "in"; }
  const char* equality() { return random_.percent(30) ? "!=" : "=="; }
  std::string op() {
    const std::vector<std::string> ops = {"==", "==", "!=", "<", "<=", ">", ">="};
    return random_.pick(ops);
  }

  const Vocabulary& words_;
  Random& random_;
  PolicyText made_;
  std::vector<FieldName> fields_; // that conditions are about
  std::vector<SetChoice> sets_;
  std::optional<RewriteMaker> rewrites_;
  bool has_list_ = false, rewrites_often_ = false;
};

} // namespace

PolicyText randomPolicy(const Vocabulary& words, Random& random) {
  return PolicyMaker(words, random).run();
}

} // namespace xdpc::differential
