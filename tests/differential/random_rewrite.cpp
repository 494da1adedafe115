// Random rewrites.
#include "tests/differential/random_rewrite.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::differential {

RewriteMaker::RewriteMaker(const Vocabulary& words, Random& random, const std::vector<FieldName>& fields)
    : words_(words), random_(random), fields_(fields) {
  std::ranges::copy_if(fields, std::back_inserter(targets_), [](const FieldName& field) { return field.assignable; });
}

// Of the same kind, itself among them.
std::vector<FieldName> RewriteMaker::like(const FieldName& field) const {
  std::vector<FieldName> out;
  std::ranges::copy_if(fields_, std::back_inserter(out), [&](const FieldName& one) {
    return one.type.kind == field.type.kind && one.bits == field.bits && !one.is_flag;
  });
  return out;
}

std::string RewriteMaker::assignment() {
  if (targets_.empty())
    return "count plain";
  const FieldName& one = random_.pick(targets_);
  const FieldName& other = random_.pick(targets_);
  // A field and a part of it cannot both be assigned.
  if (one.text() == other.text() || one.has_parts || other.has_parts || random_.percent(50))
    return fmt::format("{} = {}", one.text(), value(one));
  if (one.type == other.type && one.bits == other.bits && random_.percent(70))
    return fmt::format("({0}, {1}) = ({1}, {0})", one.text(), other.text());
  return fmt::format("({}, {}) = ({}, {})", one.text(), other.text(), value(one), value(other));
}

std::string RewriteMaker::value(const FieldName& field) {
  switch (field.type.kind) {
  case ir::TypeKind::Int:
    return number(field);
  case ir::TypeKind::Bool: {
    const std::vector<std::string> choices = {"0", "1", "not " + field.text(), "ip.src in { 198.51.100.0/24 }",
                                              random_.pick(like(field)).text()};
    return random_.pick(choices);
  }
  case ir::TypeKind::Mac:
    return random_.percent(50) ? words_.literal(field.type, field.bits, random_) : random_.pick(like(field)).text();
  default:
    return address(field);
  }
}

// A computed number is cut to the field.
std::string RewriteMaker::number(const FieldName& field) {
  const std::string& other = random_.pick(like(field)).text();
  const std::vector<std::string> choices = {
      words_.literal(field.type, field.bits, random_),
      words_.literal(field.type, field.bits, random_),
      other,
      fmt::format("{} - {}", field.text(), 1 + random_.below(3)),
      fmt::format("{} + {}", field.text(), words_.number(std::min(field.bits, 63u), random_)), // signed
      fmt::format("{} ^ {}", other, words_.number(std::min(field.bits, 32u), random_)),
      fmt::format("(payload[{}] + {})", random_.below(8), other),
      fmt::format("(site[ip.dst] + {})", other)};
  return random_.pick(choices);
}

std::string RewriteMaker::address(const FieldName& field) {
  const bool both = field.type.kind == ir::TypeKind::Ip;
  const std::string& other = random_.pick(like(field)).text();
  switch (random_.below(3)) {
  case 0:
    if (!both) // a literal is of one family
      return words_.literal(field.type, field.bits, random_);
    [[fallthrough]];
  case 1:
    return other + (both                                    ? "/20/77"
                    : field.type.kind == ir::TypeKind::Ipv4 ? fmt::format("/{}", random_.below(33))
                                                            : fmt::format("/{}", random_.below(129)));
  default:
    return field.type.kind == ir::TypeKind::Ipv4 && random_.percent(40) ? "owner[l4.dport]" : other;
  }
}

std::string RewriteMaker::tags() {
  std::string text;
  for (uint64_t i = 1 + random_.below(3); i > 0; --i) {
    const std::vector<std::string> choices = {
        "pop vlan", "push vlan(id = 20)", "push vlan(id = vlan.id, pcp = 7 - vlan.pcp, tpid = 0x88a8)",
        "push vlan(id = l4.dport & 0xfff, dei = 1)", "push vlan(id = 4095, pcp = ip.dscp >> 3, dei = ip.ttl > 9)"};
    text += random_.pick(choices) + "; ";
  }
  return text;
}

std::string RewriteMaker::redirect() {
  const std::vector<std::string> choices = {"dev \"tap0\"",
                                            "dev \"tap1\"",
                                            "cpu 2",
                                            "cpu served[l4.dport]",
                                            "cpus 0-3",
                                            "cpus some",
                                            "cpus some by hash(ip.src, vlan.id)",
                                            "cpus 5-9 by hash(eth.src, l4.dport)",
                                            "socket analyzer"};
  return "redirect to " + random_.pick(choices);
}

} // namespace xdpc::differential
