// The exact part. Tested by tests/unit/state/sets_test.cpp.
#include "runtime/sets/exact.h"

#include "runtime/sets/error.h"

#include <algorithm>
#include <ctime>

namespace xdpc::sets {
namespace {

// No two elements without an end have the same word: see keyed_table.h.
uint64_t eternal() {
  static uint64_t last = 0;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  last = std::max(last + 1, uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec));
  return abi::kEternal | last;
}

uint64_t endOf(uint64_t word) {
  return word >= abi::kEternal ? abi::kNever : word;
}

} // namespace

Result<ExactPart, SetError> ExactPart::open(const engine::Maps& maps, const abi::Manifest& manifest,
                                            const abi::Set& set) {
  auto table = tables::Table::open(maps, manifest, *set.exact_map, set.key, set.count ? 3 : 1);
  if (!table)
    return machineError(table.error());
  return ExactPart(std::move(*table));
}

bool ExactPart::takes(const abi::Set& set, const abi::KeyValue& key) {
  if (!set.trie_map)
    return true;
  if (!set.exact_map)
    return false;
  const auto& prefix = std::get<abi::Prefix>(key[*abi::prefixPart(set.key)]);
  const abi::PrefixLength length{prefix.address.family, prefix.length};
  return std::find(set.exact_lengths.begin(), set.exact_lengths.end(), length) != set.exact_lengths.end();
}

std::optional<uint64_t> ExactPart::expiry(const abi::KeyValue& key) const {
  const auto words = table_.find(key);
  return words ? std::optional(endOf((*words)[0])) : std::nullopt;
}

bool ExactPart::put(const Element& element, tables::Merge how, uint64_t now_ns) {
  const uint64_t end = element.expires_ns;
  const uint64_t word = end == abi::kNever ? eternal() : std::max(end, abi::kBusy + 1);
  const tables::Words words = {word, element.hits.packets, element.hits.bytes};
  return table_.put(element.key, words, how, tables::Rest::ofSet(now_ns)) != tables::Placed::full;
}

std::vector<Element> ExactPart::elements() const {
  std::vector<Element> elements;
  table_.forEach([&](const abi::KeyValue& key, const tables::Words& words) {
    elements.push_back({key, endOf(words[0]), {words[1], words[2]}});
  });
  return elements;
}

} // namespace xdpc::sets
