// Checks what the runtime indexes with and copies by. A manifest comes from a file or a pinned map, so that nothing in
// it is taken for granted. Tested by tests/unit/abi/manifest_test.cpp.
#include "runtime/abi/manifest_check.h"

#include "runtime/abi/keyed_table.h"
#include "runtime/abi/length_list.h"
#include "runtime/abi/prefix_trie.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::abi {
namespace {

class Checker {
public:
  explicit Checker(const Manifest& manifest) : manifest_(manifest) {}

  std::string run() {
    for (size_t i = 0; i < manifest_.rules.size(); ++i)
      slot(fmt::format("rules[{}].slot", i), manifest_.rules[i].slot);
    for (size_t i = 0; i < manifest_.counters.size(); ++i)
      counter(fmt::format("counters[{}].", i), manifest_.counters[i]);
    for (size_t i = 0; i < manifest_.sets.size(); ++i)
      set(fmt::format("sets[{}].", i), manifest_.sets[i]);
    for (size_t i = 0; i < manifest_.meters.size(); ++i)
      meter(fmt::format("meters[{}].", i), manifest_.meters[i]);
    for (size_t i = 0; i < manifest_.events.size(); ++i)
      event(fmt::format("events[{}].", i), manifest_.events[i]);
    for (size_t i = 0; i < manifest_.targets.size(); ++i)
      map(fmt::format("targets[{}].map", i), manifest_.targets[i].map, sizeof(uint32_t), sizeof(uint32_t));
    return problem_;
  }

private:
  void fail(std::string problem) {
    if (problem_.empty())
      problem_ = std::move(problem);
  }

  void slot(const std::string& path, std::optional<uint32_t> index) {
    if (index && *index >= manifest_.slots.size())
      fail(fmt::format("`{}` names slot {} of {}", path, *index, manifest_.slots.size()));
  }

  void map(const std::string& path, std::optional<uint32_t> index, uint32_t key_size, uint32_t value_size) {
    if (!index)
      return;
    if (*index >= manifest_.maps.size())
      return fail(fmt::format("`{}` names map {} of {}", path, *index, manifest_.maps.size()));
    const Map& map = manifest_.maps[*index];
    if (map.key_size != key_size || map.value_size != value_size)
      fail(fmt::format("`{}` names a map of other sizes: key {} and value {} bytes instead of {} and {}", path,
                       map.key_size, map.value_size, key_size, value_size));
  }

  void table(const std::string& path, std::optional<uint32_t> index, const KeyType& key, unsigned columns) {
    map(path, index, sizeof(uint32_t), tableLayout(key, columns).bucketBytes());
  }

  void trie(const std::string& path, const Set& set) {
    if (!set.trie_map || *set.trie_map >= manifest_.maps.size() || !trieMaps(manifest_, set))
      return map(path, set.trie_map, trieKeySize(set.key), sizeof(TrieElement));
    if (set.key.parts.size() != 1)
      fail(fmt::format("`{}` is an array, for a type that is no prefix alone", path));
    const TrieMaps maps = *trieMaps(manifest_, set);
    const PrefixTrieLayout layout = prefixTrieLayout(set.key.parts[0], set.capacity);
    map(path, maps.lines, sizeof(uint32_t), kTrieLine);
    map(path, maps.front, sizeof(uint32_t), layout.frontBytes());
    if (maps.hosts)
      map(path, maps.hosts, sizeof(uint32_t), 2 * layout.hostBytes());
  }

  void lengths(const std::string& path, const Set& set, unsigned prefixes) {
    if (!set.lengths_map)
      return;
    map(path + "lengths_map", set.lengths_map, sizeof(uint32_t), lengthLayout(set.key).bytes());
    if (prefixes == 0 || !set.exact_map || set.trie_map || set.exact_lengths.size() % prefixes != 0)
      fail(fmt::format("`{}lengths_map` is there for a set that has no use of it", path));
  }

  void counter(const std::string& path, const Counter& counter) {
    slot(path + "slot", counter.slot);
    slot(path + "other", counter.other);
    table(path + "map", counter.map, counter.key, 2);
  }

  void set(const std::string& path, const Set& set) {
    const unsigned prefixes = prefixParts(set.key);
    if (prefixes > kMaxPrefixParts || (prefixes > 1 && !set.lengths_map))
      fail(fmt::format("`{}key` has more prefixes than a lookup takes", path));
    slot(path + "full", set.full);
    slot(path + "evicted", set.evicted);
    if (set.index >= kMaxSets)
      fail(fmt::format("`{}index` is {}, at most {}", path, set.index, kMaxSets - 1));
    if (!set.exact_map && !set.trie_map)
      fail(fmt::format("`{}exact_map` and `trie_map` are both missing", path));
    if (set.trie_map && !prefixPart(set.key))
      fail(fmt::format("`{}trie_map` is there for a type without a prefix", path));
    table(path + "exact_map", set.exact_map, set.key, set.count ? 3 : 1);
    trie(path + "trie_map", set);
    lengths(path, set, prefixes);
    for (const PrefixLength& length : set.exact_lengths)
      if (length.length > addressBits(length.family))
        fail(fmt::format("`{}exact_lengths` has the length {}", path, length.length));
    if (!set.exact_lengths.empty() && !set.exact_map)
      fail(fmt::format("`{}exact_lengths` is there without `exact_map`", path));
  }

  void meter(const std::string& path, const Meter& meter) {
    if (meter.rate == 0)
      fail(fmt::format("`{}rate` is 0", path));
    slot(path + "contended", meter.contended);
    slot(path + "full", meter.full);
    slot(path + "evicted", meter.evicted);
    table(path + "map", meter.map, meter.key, 1);
  }

  void event(const std::string& path, const Event& event) {
    slot(path + "lost", event.lost);
    slot(path + "unread", event.unread);
    if (event.fields.size() > 64)
      fail(fmt::format("`{}fields` has {} fields, at most 64", path, event.fields.size()));
    for (const EventField& field : event.fields)
      if (field.offset < sizeof(EventHeader) || uint64_t{field.offset} + keyKindSize(field.kind) > event.size)
        fail(fmt::format("`{}fields` has `{}` outside of the record", path, field.name));
  }

  const Manifest& manifest_;
  std::string problem_;
};

} // namespace

std::string inconsistency(const Manifest& manifest) {
  return Checker(manifest).run();
}

} // namespace xdpc::abi
