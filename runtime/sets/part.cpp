// Chooses between the two tries. Tested by tests/unit/state/trie_test.cpp and prefix_trie_test.cpp.
#include "runtime/sets/part.h"

#include "runtime/sets/error.h"
#include "runtime/sets/prefix_front.h"
#include "runtime/sets/prefix_trie.h"
#include "runtime/sets/trie.h"

#include <algorithm>
#include <cstring>

namespace xdpc::sets {
namespace {

// By number, whatever a command was about to do when it was killed.
Result<std::vector<Element>, SetError> ownElements(const engine::Maps& maps, const abi::Manifest& manifest,
                                                   const abi::Set& set) {
  const auto memory = PrefixMemory::open(maps, manifest, set);
  if (!memory)
    return machineError(memory.error());
  std::vector<Element> elements;
  const uint32_t generation = memory->head().generation;
  for (uint32_t number = 1; number <= memory->head().last_element; ++number)
    if (const abi::PrefixElement& element = memory->element(number); element.generation == generation)
      elements.push_back({keyValue(prefixKey(element)), element.own_ns});
  return elements;
}

bool asks(PrefixMemory& memory, const PrefixKey& address, uint64_t now_ns) {
  const uint32_t area = __atomic_load_n(&memory.head().area, __ATOMIC_ACQUIRE);
  return area &&
         (PrefixFront(memory, area).has(address) ||
          (memory.counts(area).trie[address.family == abi::Family::v6] && asksTrie(memory, area, address, now_ns)));
}

Result<bool, SetError> ownHas(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                              const PrefixKey& key, uint64_t now_ns) {
  if (key.length == abi::addressBits(key.family)) {
    auto memory = PrefixMemory::open(maps, manifest, set);
    return memory ? Result<bool, SetError>(asks(*memory, key, now_ns)) : machineError(memory.error());
  }
  // No program asks for a prefix.
  const auto elements = ownElements(maps, manifest, set);
  if (!elements)
    return elements.error();
  return std::ranges::any_of(*elements, [&](const Element& element) {
    return now_ns < element.expires_ns && prefixKey(element.key).covers(key);
  });
}

} // namespace

Result<std::unique_ptr<PrefixPart>, SetError> openPrefixes(engine::Maps& maps, const abi::Manifest& manifest,
                                                           const abi::Set& set) {
  using Opened = Result<std::unique_ptr<PrefixPart>, SetError>;
  if (abi::trieMaps(manifest, set)) {
    auto trie = PrefixTrie::open(maps, manifest, set);
    return trie ? Opened(std::move(*trie)) : trie.error();
  }
  auto trie = TriePart::open(maps, manifest, set);
  return trie ? Opened(std::make_unique<TriePart>(std::move(*trie))) : trie.error();
}

Result<std::vector<Element>, SetError> prefixElements(const engine::Maps& maps, const abi::Manifest& manifest,
                                                      const abi::Set& set) {
  return abi::trieMaps(manifest, set) ? ownElements(maps, manifest, set) : trieElements(maps, set);
}

Result<size_t, SetError> countLivePrefixes(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                                           uint64_t now_ns) {
  if (!abi::trieMaps(manifest, set)) {
    const auto elements = trieElements(maps, set);
    if (!elements)
      return elements.error();
    return static_cast<size_t>(
        std::ranges::count_if(*elements, [&](const Element& element) { return element.expires_ns > now_ns; }));
  }
  const auto memory = PrefixMemory::open(maps, manifest, set);
  if (!memory)
    return machineError(memory.error());
  size_t live = 0;
  for (uint32_t number = 1; number <= memory->head().last_element; ++number) {
    const abi::PrefixElement& element = memory->element(number);
    live += element.generation == memory->head().generation && element.own_ns > now_ns;
  }
  return live;
}

Result<bool, SetError> hasPrefix(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                                 const abi::KeyValue& key, uint64_t now_ns) {
  if (abi::trieMaps(manifest, set))
    return ownHas(maps, manifest, set, prefixKey(key), now_ns);
  const auto value = maps.lookup(*set.trie_map, abi::encodeTrieKey(set.key, key));
  if (!value)
    return machineError(value.error());
  abi::TrieElement element{};
  if (*value)
    std::memcpy(&element, (*value)->data(), std::min(sizeof element, (*value)->size()));
  return now_ns < element.expires_ns;
}

} // namespace xdpc::sets
