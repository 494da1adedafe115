// Headers, fields and values.
#include "tests/differential/vocabulary.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace xdpc::differential {

namespace {

const std::vector<std::string> kV4 = {"198.51.100.1", "198.51.100.200", "203.0.113.1",     "192.0.2.7",
                                      "10.0.0.1",     "0.0.0.0",        "255.255.255.255", "203.0.112.255"};
const std::vector<std::string> kV6 = {
    "2001:db8:1::1", "2001:db8:2::1", "2001:db8:1::ffff", "2001:db8:1:8000::1", "::", "c633:6401::"};
const std::vector<std::string> kMacs = {"02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff",
                                        "00:00:00:00:00:00", "02:00:5e:00:53:01"};

uint64_t largest(unsigned bits) {
  return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

} // namespace

Vocabulary::Vocabulary(const std::string& declarations)
    : declarations_(declarations), library_(check(declarations + "\npolicy library { default pass }\n")) {
  numbers_ = {0, 1, 2, 3, 4, 5, 8, 9, 20, 40, 60, 64, 100, 255, 512, 1024, 49152, 65535};
  for (const ir::HeaderId id : headers()) {
    const ir::Header& one = header(id);
    for (const ir::PayloadBy& table : one.payload)
      for (const ir::PayloadEntry& entry : table.entries)
        numbers_.push_back(entry.value);
    for (ir::FieldId field = 0; field < one.fields.size(); ++field) {
      const ir::Field& declared = one.fields[field];
      if (declared.ahead || declared.type.kind == ir::TypeKind::Bytes)
        continue;
      const bool parts = std::ranges::any_of(one.fields, [&](const ir::Field& part) { return part.whole == field; });
      const unsigned bits = declared.type.kind == ir::TypeKind::Bool ? 1 : declared.type.bits;
      const bool plain = one.kind != ir::HeaderKind::alternatives && !declared.derived;
      fields_.push_back({.header = one.name,
                         .name = declared.name,
                         .header_id = id,
                         .type = declared.type,
                         .bits = bits,
                         .on_wire = plain && !declared.part,
                         .has_parts = parts,
                         .is_flag = declared.part && declared.bits == 0,
                         .optional = plain && declared.part});
    }
  }
  std::ranges::sort(numbers_);
  numbers_.erase(std::ranges::unique(numbers_).begin(), numbers_.end());
  markAssignable();
}

// Asks the checker: it refuses an assignment to what gives sizes, lengths, or what follows.
void Vocabulary::markAssignable() {
  std::string text = declarations_ + "\npolicy assign {\n";
  std::vector<size_t> starts;
  for (const FieldName& field : fields_) {
    starts.push_back(text.size());
    text += fmt::format("    when {0} {{ {1} = {1} }}\n", field.header, field.text());
  }
  const auto refused = refusedAt(text + "    default pass\n}\n");
  for (size_t i = 0; i < fields_.size(); ++i) {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
    fields_[i].assignable = std::ranges::none_of(refused, [&](size_t at) { return starts[i] <= at && at < end; });
  }
}

std::vector<FieldName> Vocabulary::fieldsOf(ir::HeaderId id) const {
  std::vector<FieldName> out;
  std::ranges::copy_if(fields_, std::back_inserter(out), [&](const FieldName& field) { return field.header_id == id; });
  return out;
}

std::vector<ir::HeaderId> Vocabulary::headers() const {
  std::vector<ir::HeaderId> out;
  for (ir::HeaderId id = 0; id < library().headers.size(); ++id)
    if (header(id).kind < ir::HeaderKind::later && header(id).declared == id)
      out.push_back(id);
  return out;
}

std::vector<ir::HeaderId> Vocabulary::followers(ir::HeaderId id, Tunnels tunnels) const {
  const ir::Header& one = header(id);
  std::vector<ir::HeaderId> out;
  const auto& tables = one.extension_of ? header(*one.extension_of).payload : one.payload;
  for (const ir::PayloadBy& table : tables)
    for (const ir::PayloadEntry& entry : table.entries)
      if (!std::ranges::count(out, entry.next) && (!entry.tunnel || tunnels == Tunnels::entered))
        out.push_back(entry.next);
  return out;
}

// Up to the next tunnel, unions that can be there, too.
std::vector<ir::HeaderId> Vocabulary::behind(ir::HeaderId outer) const {
  std::vector<ir::HeaderId> found;
  if (header(outer).kind == ir::HeaderKind::extension) // names reach behind IP, not behind one of its chain
    return found;
  for (const ir::HeaderId first :
       header(outer).alternatives.empty() ? std::vector{outer} : header(outer).alternatives) {
    std::vector<ir::HeaderId> open = followers(first);
    while (!open.empty()) {
      const ir::HeaderId id = open.back();
      open.pop_back();
      if (std::ranges::count(found, id))
        continue;
      found.push_back(id);
      const auto next = followers(id, Tunnels::left_out);
      open.insert(open.end(), next.begin(), next.end());
    }
  }
  for (const ir::HeaderId id : headers())
    if (std::ranges::any_of(header(id).alternatives, [&](ir::HeaderId one) { return std::ranges::count(found, one); }))
      found.push_back(id);
  return found;
}

std::vector<FieldName> Vocabulary::fieldsBehind(ir::HeaderId outer, Depth depth, Random& random) const {
  const auto inside = behind(outer);
  if (inside.empty())
    return {};
  // IP and its transports are what one asks for.
  std::vector<ir::HeaderId> often;
  std::ranges::copy_if(inside, std::back_inserter(often),
                       [this](ir::HeaderId id) { return !header(id).alternatives.empty() || header(id).checksum; });
  const ir::HeaderId inner = random.pick(often.empty() || random.percent(40) ? inside : often);
  auto fields = depth == Depth::one ? fieldsOf(inner) : fieldsBehind(inner, Depth::one, random);
  for (FieldName& field : fields)
    field.header = header(outer).name + ".inner." + field.header;
  return fields;
}

std::vector<std::vector<std::string>> Vocabulary::ways(ir::HeaderId target) const {
  constexpr size_t kLongest = 5, kMost = 5;
  std::vector<std::vector<std::string>> found;
  std::deque<std::vector<ir::HeaderId>> open = {{0}};
  while (!open.empty() && found.size() < kMost) {
    const std::vector<ir::HeaderId> way = open.front();
    open.pop_front();
    if (way.back() == target) {
      std::vector<std::string> names;
      for (size_t i = 1; i < way.size(); ++i)
        names.push_back(header(way[i]).name);
      found.push_back(names);
    }
    if (way.size() <= kLongest)
      for (const ir::HeaderId next : followers(way.back(), Tunnels::left_out))
        if (std::ranges::count(way, next) < 2) {
          open.push_back(way);
          open.back().push_back(next);
        }
  }
  return found;
}

uint64_t Vocabulary::number(unsigned bits, Random& random) const {
  const uint64_t most = largest(bits);
  if (random.percent(15))
    return most - random.below(2);
  if (random.percent(15))
    return random.bits() & most;
  return random.pick(numbers_) & most;
}

std::string Vocabulary::address(ir::TypeKind kind, Random& random) const {
  if (kind == ir::TypeKind::Ip)
    kind = random.percent(50) ? ir::TypeKind::Ipv4 : ir::TypeKind::Ipv6;
  return random.pick(kind == ir::TypeKind::Ipv4 ? kV4 : kV6);
}

std::string Vocabulary::literal(const ir::Type& type, unsigned bits, Random& random) const {
  switch (type.kind) {
  case ir::TypeKind::Ip:
  case ir::TypeKind::Ipv4:
  case ir::TypeKind::Ipv6:
    return address(type.kind, random);
  case ir::TypeKind::Mac:
    return random.pick(kMacs);
  default:
    return std::to_string(number(bits, random));
  }
}

} // namespace xdpc::differential
