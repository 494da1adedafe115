// Every field with every operator. A condition is a rule that counts; what it counts is compared packet by packet.
#include "tests/differential/fields.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::differential {

namespace {

constexpr size_t kRulesAtOnce = 60;

uint64_t largest(const FieldName& field) {
  return field.bits >= 63 ? ~uint64_t{0} >> 1 : (uint64_t{1} << field.bits) - 1;
}

// A value in the middle, which most packets do not have by themselves.
uint64_t middle(const FieldName& field) {
  return std::min<uint64_t>(largest(field) * 5 / 8, 40'007);
}

std::vector<std::string> addressConditions(const FieldName& field, const std::string& value, const std::string& net,
                                           const std::string& mask) {
  const std::string f = field.text();
  return {f + " == " + value,
          f + " != " + value,
          "not " + f + " == " + value,
          "not " + f + " != " + value,
          f + " in { " + net + " }",
          f + " not in { " + net + " }",
          "not " + f + " in { " + net + " }",
          f + mask + " == " + value.substr(0, value.find_last_of(".:")) +
              (value.find(':') == std::string::npos ? ".0" : ":0"),
          f + " == " + f};
}

std::vector<std::string> numberConditions(const FieldName& field) {
  const std::string f = field.text();
  const uint64_t value = middle(field), top = largest(field);
  std::vector<std::string> out;
  for (const char* op : {"==", "!=", "<", "<=", ">", ">="}) {
    out.push_back(fmt::format("{} {} {}", f, op, value));
    out.push_back(fmt::format("not {} {} {}", f, op, value));
  }
  const std::string set =
      value + 1 < top ? fmt::format("{{ {}, {}-{} }}", value, value + 1, top) : fmt::format("{{ {} }}", value);
  out.push_back(fmt::format("{} in {}", f, set));
  out.push_back(fmt::format("{} not in {}", f, set));
  out.push_back(fmt::format("not {} in {}", f, set));
  out.push_back(fmt::format("{} + 1 > {}", f, value));
  out.push_back(fmt::format("{} & {} != 0", f, value));
  return out;
}

std::vector<std::string> conditions(const FieldName& field) {
  const std::string f = field.text();
  switch (field.type.kind) {
  case ir::TypeKind::Bool:
    return {f, "not " + f, f + " == 1", f + " == 0", f + " != 1", "not " + f + " == 1"};
  case ir::TypeKind::Int:
    return numberConditions(field);
  case ir::TypeKind::Mac:
    return {f + " == 02:00:5e:00:53:07", f + " != 02:00:5e:00:53:07", "not " + f + " == 02:00:5e:00:53:07",
            f + " in { 02:00:5e:00:53:07, 02:00:5e:00:53:09 }", f + " not in { 02:00:5e:00:53:07 }"};
  case ir::TypeKind::Ipv4:
    return addressConditions(field, "192.0.2.77", "192.0.2.64/28", "/24");
  case ir::TypeKind::Ipv6:
    return addressConditions(field, "2001:db8:7::7", "2001:db8:7::/48", "/112");
  case ir::TypeKind::Ip: {
    auto both = addressConditions(field, "192.0.2.77", "192.0.2.64/28, 2001:db8:7::/48", "/24/64");
    const auto v6 = addressConditions(field, "2001:db8:7::7", "2001:db8:7::/48", "/24/112");
    both.insert(both.end(), v6.begin(), v6.end());
    return both;
  }
  default:
    return {f + " == " + f};
  }
}

std::vector<std::string> values(const FieldName& field) {
  switch (field.type.kind) {
  case ir::TypeKind::Bool:
    return {"0", "1"};
  case ir::TypeKind::Mac:
    return {"02:00:5e:00:53:07", "02:00:5e:00:53:08"};
  case ir::TypeKind::Ipv4:
    return {"192.0.2.77", "192.0.2.78", "192.0.2.80", "192.0.2.0"};
  case ir::TypeKind::Ipv6:
    return {"2001:db8:7::7", "2001:db8:7::1:7", "2001:db8:8::7", "2001:db8:7::"};
  default: {
    const uint64_t value = middle(field), top = largest(field);
    return {"0", std::to_string(value), std::to_string(value > 0 ? value - 1 : 1),
            std::to_string(std::min(value + 1, top)), std::to_string(top)};
  }
  }
}

class Packets {
public:
  explicit Packets(const Vocabulary& words) : words_(words) {}

  // Each value of each field on a short way, one value on the others.
  void ofHeader(ir::HeaderId id) {
    const ir::Header& header = words_.header(id);
    for (const ir::HeaderId alternative : header.alternatives)
      ofHeader(alternative);
    const auto ways = words_.ways(id);
    for (size_t way = 0; way < ways.size(); ++way) {
      const std::string before =
          ways[way].size() < 2 ? "" : fmt::format("{}/", fmt::join(ways[way].begin(), ways[way].end() - 1, "/"));
      texts_.push_back(before + header.name);
      for (const FieldName& field : words_.fieldsOf(id))
        for (const std::string& value : values(field))
          if (field.on_wire && !field.has_parts && (way < 2 || value == values(field)[1]))
            texts_.push_back(fmt::format("{}{}({} = {})", before, header.name, field.name, value));
    }
  }

  void absent() {
    for (const char* text : {"eth", "arp", "ipv4/udp", "ipv6/tcp", "vlan/ipv4/icmp", "ipv6/icmp6",
                             "ipv4(fragment_offset = 3)/udp", "ipv6/fragment(offset = 3)/udp"})
      texts_.push_back(text);
  }

  std::vector<Frame> frames() {
    std::ranges::sort(texts_);
    texts_.erase(std::ranges::unique(texts_).begin(), texts_.end());
    auto built = buildFrames(texts_);
    std::vector<Frame> out;
    for (size_t i = 0; i < texts_.size(); ++i) {
      out.push_back({texts_[i], {built[i]}});
      cut(out, i % 3 + 1); // a header that is not all there
    }
    return out;
  }

private:
  static void cut(std::vector<Frame>& frames, size_t by) {
    Frame frame = frames.back();
    if (frame.input.frame.size() < 14 + by)
      return;
    frame.input.frame.resize(frame.input.frame.size() - by);
    frame.text += fmt::format(", {} bytes short", by);
    frames.push_back(std::move(frame));
  }

  const Vocabulary& words_;
  std::vector<std::string> texts_;
};

std::string computed(const FieldName& field) {
  const std::string f = field.text();
  switch (field.type.kind) {
  case ir::TypeKind::Bool:
    return "not " + f;
  case ir::TypeKind::Int:
    return f + " + 3";
  case ir::TypeKind::Mac:
    return f;
  case ir::TypeKind::Ip:
    return f + "/9/77";
  default:
    return f + "/9";
  }
}

// Each field that can be assigned: on queue 0 to a value, on queue 1 computed from what is there.
std::optional<Case> rewriting(const Vocabulary& words, ir::HeaderId id, const std::vector<Frame>& frames) {
  Case one{fmt::format("rewriting fields of {}", words.header(id).name), {}, {}};
  one.policy.declarations = {"counter all"};
  for (const FieldName& field : words.fieldsOf(id)) {
    if (!field.assignable)
      continue;
    const size_t number = one.policy.rules.size();
    if (field.type.kind != ir::TypeKind::Ip) // a literal is of one family
      one.policy.rules.push_back(fmt::format("set{}: when {} and pkt.rx_queue == 0 {{ {} = {} }}", number, field.header,
                                             field.text(), values(field)[1]));
    one.policy.rules.push_back(fmt::format("computed{}: when {} and pkt.rx_queue == 1 {{ {} = {} }}", number,
                                           field.header, field.text(), computed(field)));
  }
  if (one.policy.rules.empty())
    return std::nullopt;
  for (const Frame& frame : frames)
    for (const uint32_t queue : {0, 1}) {
      one.frames.push_back(frame);
      one.frames.back().input.rx_queue = queue;
    }
  return one;
}

} // namespace

std::vector<Case> fieldCases(const Vocabulary& words) {
  std::vector<Case> cases;
  for (const ir::HeaderId id : words.headers()) {
    Packets packets(words);
    packets.ofHeader(id);
    packets.absent();
    std::vector<std::string> all = {words.header(id).name, "not " + words.header(id).name};
    for (const FieldName& field : words.fieldsOf(id))
      for (std::string& condition : conditions(field))
        all.push_back(std::move(condition));
    const std::vector<Frame> frames = packets.frames();
    for (size_t first = 0; first < all.size(); first += kRulesAtOnce) {
      Case one{fmt::format("fields of {}, from {}", words.header(id).name, first), {}, frames};
      for (size_t i = first; i < std::min(all.size(), first + kRulesAtOnce); ++i)
        one.policy.rules.push_back(fmt::format("rule{}: count all when {}", i, all[i]));
      one.policy.declarations = {"counter all"};
      cases.push_back(std::move(one));
    }
    if (auto one = rewriting(words, id, frames))
      cases.push_back(std::move(*one));
  }
  return cases;
}

} // namespace xdpc::differential
