// The values of maps, and rows of tuples, as bytes and words.
#include "compiler/plan/choose_lookup.h"

#include <algorithm>
#include <map>

namespace xdpc::plan {
namespace {

uint64_t addressWord(const abi::Address& address, unsigned from, unsigned count) {
  uint64_t value = 0;
  for (unsigned i = from; i < from + count; ++i)
    value = value << 8 | address.bytes[i];
  return value;
}

uint32_t valueBytes(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Ipv4:
    return 4;
  case ir::TypeKind::Ipv6:
    return 16;
  case ir::TypeKind::Mac:
    return 8;
  default:
    return type.bits <= 32 ? 4 : 8;
  }
}

Bytes valueOf(const ir::Type& type, const ir::MapEntry& entry) {
  Bytes out;
  if (type.kind == ir::TypeKind::Ipv4)
    append(out, addressWord(entry.address, 0, 4), 4);
  else if (type.kind == ir::TypeKind::Ipv6) {
    append(out, addressWord(entry.address, 0, 8), 8);
    append(out, addressWord(entry.address, 8, 8), 8);
  } else
    append(out, entry.number, valueBytes(type));
  return out;
}

} // namespace

MapValues::MapValues(const ir::Map& map) : bytes_(valueBytes(map.value)) {
  std::map<Bytes, uint32_t> known;
  for (const ir::MapEntry& entry : map.entries) {
    const Bytes value = valueOf(map.value, entry);
    values_.insert(values_.end(), value.begin(), value.end());
    const auto [found, fresh] = known.try_emplace(value, static_cast<uint32_t>(known.size() + 1));
    if (fresh)
      firsts_.push_back(static_cast<uint32_t>(distinct_.size() + 1));
    distinct_.push_back(found->second);
  }
}

uint32_t MapValues::number(uint32_t entry) const {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i)
    value |= uint32_t{of(entry)[i]} << 8 * i;
  return value;
}

uint64_t MapValues::largest() const {
  if (bytes_ != 4)
    return ~uint64_t{0} - 1;
  uint64_t largest = 0;
  for (uint32_t entry : firsts_)
    largest = std::max<uint64_t>(largest, number(entry));
  return largest;
}

Bytes MapValues::distinctValues() const {
  Bytes out;
  for (uint32_t first : firsts_)
    out.insert(out.end(), of(first).begin(), of(first).end());
  return out;
}

// An address of `ip` begins with its family, so that all have the same number of words.
void TupleRows::add(const std::vector<ir::Interval>& element) {
  ++count;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const auto& [domain, low, high] = element[i];
    const bool either = parts_[i].kind == ir::TypeKind::Ip;
    if (either)
      words.push_back(domain == ir::Domain::v4 ? 4 : 6);
    if (either || domain == ir::Domain::v6)
      words.push_back(static_cast<uint64_t>(low >> 64));
    words.push_back(static_cast<uint64_t>(low));
  }
}

} // namespace xdpc::plan
