// Replaces all elements of a set. Tested by tests/unit/state/sets_test.cpp.
#include "runtime/sets/error.h"
#include "runtime/sets/exact.h"
#include "runtime/sets/lengths.h"
#include "runtime/sets/part.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::sets {
namespace {

// Sorted by key, each once, with the latest of its ends.
std::vector<Element> unique(std::span<const Element> elements) {
  std::vector<Element> all(elements.begin(), elements.end());
  std::ranges::stable_sort(all, [](const Element& a, const Element& b) {
    return a.key != b.key ? a.key < b.key : a.expires_ns > b.expires_ns;
  });
  const auto same = [](const Element& a, const Element& b) { return a.key == b.key; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

bool contains(std::span<const Element> sorted, const abi::KeyValue& key) {
  const auto found = std::ranges::lower_bound(sorted, key, {}, &Element::key);
  return found != sorted.end() && found->key == key;
}

SetError tooMany(const abi::Set& set, size_t count) {
  return {
      SetError::Kind::full,
      fmt::format("{} elements are more than the capacity of the set `{}`, which is {}", count, set.name, set.capacity),
      {},
      0};
}

// The new ones first, if there is room for both.
Result<Done, SetError> replaceExact(ExactPart& part, LengthList* lengths, const abi::Set& set,
                                    std::span<const Element> wanted, uint64_t now_ns) {
  std::vector<abi::KeyValue> gone;
  const std::vector<Element> before = part.elements();
  for (const Element& element : before)
    if (!contains(wanted, element.key))
      gone.push_back(element.key);
  const bool roomy = gone.size() + wanted.size() <= set.capacity;
  const auto erase = [&] {
    for (const abi::KeyValue& key : gone)
      part.erase(key);
  };
  if (!roomy)
    erase();
  for (const Element& element : wanted) {
    if (lengths)
      if (auto admitted = lengths->admit(element.key, part); !admitted)
        return admitted;
    if (!part.put(element, tables::Merge::replace, now_ns))
      return tooMany(set, wanted.size());
  }
  if (roomy)
    erase();
  return Done{};
}

} // namespace

Result<Done, SetError> replace(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                               std::span<const Element> elements, uint64_t now_ns) {
  std::vector<Element> prefixes = unique(elements), exact;
  if (prefixes.size() > set.capacity)
    return tooMany(set, prefixes.size());
  std::erase_if(prefixes, [&](const Element& element) {
    const bool takes = ExactPart::takes(set, element.key);
    if (takes)
      exact.push_back(element);
    return takes;
  });
  if (set.trie_map) {
    auto part = openPrefixes(maps, manifest, set);
    if (!part)
      return part.error();
    if (auto replaced = (*part)->replace(prefixes); !replaced)
      return replaced;
  }
  if (!set.exact_map)
    return Done{};
  auto part = ExactPart::open(maps, manifest, set);
  if (!part || !set.lengths_map)
    return part ? replaceExact(*part, nullptr, set, exact, now_ns) : part.error();
  auto lengths = LengthList::open(maps, set);
  return lengths ? replaceExact(*part, &*lengths, set, exact, now_ns) : lengths.error();
}

} // namespace xdpc::sets
