// Matches declarations by name, slots by their declarations, and compares layouts. Tested in
// tests/runtime/carry_test.cpp and tests/live/carry.py.
#include "runtime/swap/match.h"

#include "runtime/abi/prefix_trie.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace xdpc::swap {
namespace {

template <class T> std::optional<uint32_t> find(const std::vector<T>& all, std::string_view name) {
  const auto found = std::ranges::find_if(all, [&](const T& one) { return one.name == name; });
  return found == all.end() ? std::nullopt : std::optional(static_cast<uint32_t>(found - all.begin()));
}

bool sameLayout(const abi::Map& a, const abi::Map& b) {
  return a.role == b.role && a.type == b.type && a.key_size == b.key_size && a.value_size == b.value_size &&
         a.max_entries == b.max_entries && a.flags == b.flags && a.row_bytes == b.row_bytes &&
         a.spare_per_cpu == b.spare_per_cpu;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

std::string typeName(const abi::KeyType& key) {
  return key.parts.empty() ? "none" : abi::keyTypeName(key);
}

class Matcher {
public:
  Matcher(const abi::Manifest& from, const abi::Manifest& to, const Reset& reset)
      : from_(from), to_(to), reset_(reset),
        same_source_(!from.source_sha256.empty() && from.source_sha256 == to.source_sha256) {
    result_.slot.resize(from.slots.size());
  }

  StateMatch run() {
    kinds();
    for (const abi::Rule& rule : to_.rules)
      if (const auto old = before(from_.rules, to_.rules, rule))
        result_.slot[from_.rules[*old].slot] = rule.slot;
    counters();
    sets();
    meters();
    for (const abi::Event& event : to_.events)
      if (const auto old = find(from_.events, event.name)) {
        slots(from_.events[*old].lost, event.lost);
        slots(from_.events[*old].unread, event.unread);
      }
    result_.slots = slotsStand() ? Fate::shared : Fate::converted;
    if (result_.slots == Fate::shared) {
      share(mapOf(from_, abi::MapRole::counters), mapOf(to_, abi::MapRole::counters));
      share(mapOf(from_, abi::MapRole::base), mapOf(to_, abi::MapRole::base));
    }
    return std::move(result_);
  }

private:
  static std::optional<uint32_t> mapOf(const abi::Manifest& manifest, abi::MapRole role) {
    return abi::mapWithRole(manifest, role);
  }

  // The old one of a new declaration. What has no name (`#3` is a place) is known only in the very same policy. A
  // change of name is one in both directions, for the way back.
  template <class T>
  std::optional<uint32_t> before(const std::vector<T>& old, const std::vector<T>& now, const T& one) const {
    if (reset_.takes(one.name) || (one.name.starts_with('#') && !same_source_))
      return std::nullopt;
    if (const auto same = find(old, one.name))
      return same;
    // Not if the old name is still in use: then that one keeps it.
    if (one.was && !find(now, *one.was))
      return find(old, *one.was);
    const auto renamed =
        std::ranges::find_if(old, [&](const T& other) { return other.was == one.name && !find(now, other.name); });
    return renamed == old.end() ? std::nullopt : std::optional(static_cast<uint32_t>(renamed - old.begin()));
  }

  void slots(std::optional<uint32_t> from, std::optional<uint32_t> to) {
    if (from && to)
      result_.slot[*from] = to;
  }

  void share(std::optional<uint32_t> from, std::optional<uint32_t> to) {
    if (from && to)
      result_.maps.push_back({*from, *to, Fate::shared});
  }

  bool same(std::optional<uint32_t> from, std::optional<uint32_t> to) const {
    if (!from || !to)
      return !from && !to;
    return sameLayout(from_.maps[*from], to_.maps[*to]);
  }

  void refuse(const char* kind, const std::string& name, std::string reason) {
    result_.refused.push_back({name, fmt::format("the {} `{}`", kind, name), std::move(reason)});
  }

  // False, and a refusal, if keys of the one are none of the other.
  bool sameKey(const char* kind, const std::string& name, const abi::KeyType& from, const abi::KeyType& to) {
    if (from.parts == to.parts)
      return true;
    refuse(kind, name, fmt::format("its key was {} and is {}", typeName(from), typeName(to)));
    return false;
  }

  // A name that stood for something else: what it holds cannot become the other.
  void kinds() {
    const auto check = [&](const char* kind, const auto& declared) {
      for (const auto& now : declared) {
        const char* before = kindBefore(now.name);
        if (before && std::string_view(before) != kind && !reset_.takes(now.name))
          refuse(kind, now.name, fmt::format("it was a {}", before));
      }
    };
    check("set", to_.sets);
    check("meter", to_.meters);
    check("counter", to_.counters);
  }

  // Null if nothing that keeps state had the name.
  const char* kindBefore(const std::string& name) const {
    if (name.starts_with('#'))
      return nullptr;
    if (find(from_.sets, name))
      return "set";
    if (find(from_.meters, name))
      return "meter";
    return find(from_.counters, name) ? "counter" : nullptr;
  }

  void counters() {
    for (uint32_t i = 0; i < to_.counters.size(); ++i) {
      const abi::Counter& now = to_.counters[i];
      const auto at = before(from_.counters, to_.counters, now);
      if (!at)
        continue;
      const abi::Counter& old = from_.counters[*at];
      if (!sameKey("counter", now.name, old.key, now.key))
        continue;
      slots(old.slot, now.slot);
      slots(old.other, now.other);
      if (!now.map)
        continue;
      const Fate fate = same(old.map, now.map) ? Fate::shared : Fate::converted;
      result_.counters.push_back({*at, i, fate});
      if (fate == Fate::shared)
        share(old.map, now.map);
    }
  }

  // Of a set's own trie.
  static std::vector<uint32_t> trie(const abi::Manifest& manifest, const abi::Set& set) {
    const auto maps = abi::trieMaps(manifest, set);
    return maps ? maps->all() : std::vector<uint32_t>();
  }

  bool sameTrie(const abi::Set& old, const abi::Set& now) const {
    return same(old.trie_map, now.trie_map) &&
           std::ranges::equal(trie(from_, old), trie(to_, now),
                              [this](std::optional<uint32_t> a, std::optional<uint32_t> b) { return same(a, b); });
  }

  void sets() {
    for (uint32_t i = 0; i < to_.sets.size(); ++i) {
      const abi::Set& now = to_.sets[i];
      if (reset_.takesSet(now.name)) {
        sameCount(now);
        continue;
      }
      const auto at = before(from_.sets, to_.sets, now);
      if (!at)
        continue;
      const abi::Set& old = from_.sets[*at];
      if (!sameKey("set", now.name, old.key, now.key))
        continue;
      slots(old.full, now.full);
      slots(old.evicted, now.evicted);
      const bool shared = same(old.exact_map, now.exact_map) && sameTrie(old, now) &&
                          same(old.lengths_map, now.lengths_map) && old.capacity == now.capacity &&
                          old.exact_lengths == now.exact_lengths && sorted(old.initial) == sorted(now.initial);
      result_.sets.push_back({*at, i, shared ? Fate::shared : Fate::converted});
      if (!shared)
        continue;
      share(old.exact_map, now.exact_map);
      share(old.trie_map, now.trie_map);
      share(old.lengths_map, now.lengths_map);
      const std::vector<uint32_t> old_trie = trie(from_, old), new_trie = trie(to_, now);
      for (size_t part = 1; part < new_trie.size(); ++part)
        share(old_trie[part], new_trie[part]);
    }
  }

  // A set whose contents are given anew still counts on what found no place.
  void sameCount(const abi::Set& now) {
    if (const auto at = before(from_.sets, to_.sets, now)) {
      slots(from_.sets[*at].full, now.full);
      slots(from_.sets[*at].evicted, now.evicted);
    }
  }

  void meters() {
    size_t standing = 0, keyless = 0;
    for (uint32_t i = 0; i < to_.meters.size(); ++i) {
      const abi::Meter& now = to_.meters[i];
      keyless += now.cell.has_value();
      const auto at = before(from_.meters, to_.meters, now);
      if (!at)
        continue;
      const abi::Meter& old = from_.meters[*at];
      if (!sameKey("meter", now.name, old.key, now.key))
        continue;
      slots(old.contended, now.contended);
      slots(old.full, now.full);
      slots(old.evicted, now.evicted);
      if (now.cell && old.cell) {
        result_.cells.push_back({*at, i, Fate::converted});
        standing += *old.cell == *now.cell;
      }
      if (!now.map)
        continue;
      const Fate fate = same(old.map, now.map) ? Fate::shared : Fate::converted;
      result_.meters.push_back({*at, i, fate});
      if (fate == Fate::shared)
        share(old.map, now.map);
    }
    const auto old_map = mapOf(from_, abi::MapRole::meters), new_map = mapOf(to_, abi::MapRole::meters);
    result_.cells_fate = standing == keyless && same(old_map, new_map) ? Fate::shared : Fate::converted;
    if (result_.cells_fate == Fate::shared)
      share(old_map, new_map);
  }

  // Each slot has its place still, and none has another owner.
  bool slotsStand() const {
    if (from_.slots.size() != to_.slots.size() ||
        !same(mapOf(from_, abi::MapRole::counters), mapOf(to_, abi::MapRole::counters)) ||
        !same(mapOf(from_, abi::MapRole::base), mapOf(to_, abi::MapRole::base)))
      return false;
    for (uint32_t i = 0; i < to_.slots.size(); ++i) {
      const bool samples = from_.slots[i].kind == abi::SlotKind::sample && to_.slots[i].kind == abi::SlotKind::sample;
      if (!samples && result_.slot[i] != i)
        return false;
    }
    return true;
  }

  const abi::Manifest& from_;
  const abi::Manifest& to_;
  const Reset& reset_;
  bool same_source_;
  StateMatch result_;
};

bool has(const abi::Manifest& manifest, const std::string& name) {
  return find(manifest.rules, name) || find(manifest.counters, name) || find(manifest.sets, name) ||
         find(manifest.meters, name);
}

} // namespace

bool Reset::takes(std::string_view name) const {
  return all || std::ranges::find(names, name) != names.end();
}

bool Reset::takesSet(std::string_view name) const {
  return takes(name) || std::ranges::find(sets, name) != sets.end();
}

std::string Reset::toText() const {
  std::vector<std::string> lines = all ? std::vector<std::string>{"*"} : names;
  for (const std::string& set : sets)
    lines.push_back("=" + set);
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Reset Reset::fromText(const std::string& text) {
  Reset reset;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line == "*")
      reset.all = true;
    else if (line.starts_with('='))
      reset.sets.push_back(line.substr(1));
    else
      reset.names.push_back(line);
    at = end + 1;
  }
  return reset;
}

StateMatch matchState(const abi::Manifest& from, const abi::Manifest& to, const Reset& reset) {
  return Matcher(from, to, reset).run();
}

std::vector<std::string> unknownNames(const abi::Manifest& from, const abi::Manifest& to, const Reset& reset) {
  std::vector<std::string> unknown;
  for (const std::string& name : reset.names)
    if (!has(from, name) && !has(to, name))
      unknown.push_back(name);
  return unknown;
}

} // namespace xdpc::swap
