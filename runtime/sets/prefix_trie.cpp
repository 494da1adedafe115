// Changes of prefix tries. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/sets/prefix_trie.h"

#include "runtime/sets/error.h"
#include "runtime/sets/prefix_front.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace xdpc::sets {
namespace {

using abi::ElementPlace;

// Both words at once: a program sees the old area or the new one, and the next command the generation that fits.
void publish(abi::PrefixTrieHead& head, uint32_t area, uint32_t generation) {
  auto* words = reinterpret_cast<uint64_t*>(&head.area);
  __atomic_store_n(words, uint64_t{generation} << 32 | area, __ATOMIC_RELEASE);
}

void publish(const std::vector<RootChange>& changes) {
  for (const RootChange& change : changes)
    __atomic_store_n(change.at, change.entry, __ATOMIC_RELEASE);
}

} // namespace

// Says that a change is under way, for the command after one that was killed in it.
class PrefixTrie::Change {
public:
  explicit Change(abi::PrefixTrieHead& head) : head_(head) { set(1); }
  ~Change() { set(goes_on_); }
  void goesOn() { goes_on_ = 1; }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

private:
  void set(uint32_t changing) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    __atomic_store_n(&head_.changing, changing, __ATOMIC_SEQ_CST);
  }
  abi::PrefixTrieHead& head_;
  uint32_t goes_on_ = 0;
};

Result<std::unique_ptr<PrefixTrie>, SetError> PrefixTrie::open(const engine::Maps& maps, const abi::Manifest& manifest,
                                                               const abi::Set& set) {
  auto memory = PrefixMemory::open(maps, manifest, set);
  if (!memory)
    return machineError(memory.error());
  std::unique_ptr<PrefixTrie> trie(new PrefixTrie(*memory, set.name));
  abi::PrefixTrieHead& head = trie->memory_.head();
  if (head.generation == 0)
    publish(head, 0, 1);
  if (head.changing)
    if (auto recovered = trie->recover(); !recovered)
      return recovered.error();
  return trie;
}

// The elements say what there is; all else is made of them again.
Result<Done, SetError> PrefixTrie::recover() {
  Change change(memory_.head());
  const uint32_t generation = memory_.head().generation;
  std::vector<uint32_t> live;
  for (uint32_t number = 1; number < memory_.layout().elements; ++number)
    if (memory_.element(number).generation == generation)
      live.push_back(number);
    else
      memory_.element(number).generation = 0;
  memory_.head().last_element = live.empty() ? 0 : live.back();
  std::ranges::sort(
      live, [this](uint32_t a, uint32_t b) { return prefixKey(memory_.element(a)) < prefixKey(memory_.element(b)); });
  tree().assign(live);
  if (auto swept = sweep(generation); !swept)
    return swept;
  if (rebuildAll(generation))
    return Done{};
  change.goesOn(); // the next command tries again
  return noRoom();
}

Result<Done, SetError> PrefixTrie::sweep(uint32_t generation) {
  const auto swept = memory_.sweep([&](const PrefixMemory::Marks& marks) {
    const PrefixTree kept(memory_, generation);
    for (abi::Family family : {abi::Family::v4, abi::Family::v6})
      kept.forCovered({family, 0, {}}, [&](uint32_t number) {
        marks.element(number);
        return true;
      });
    if (!memory_.head().area)
      return;
    const uint32_t* entry = memory_.root(memory_.head().area, memory_.layout().v4 ? abi::Family::v4 : abi::Family::v6);
    const uint32_t count = memory_.rootEntries() * (memory_.layout().v4 + memory_.layout().v6);
    for (uint32_t i = 0; i < count; ++i)
      if (i == 0 || entry[i] != entry[i - 1])
        markLines(memory_, marks, entry[i]);
  });
  return swept ? Result<Done, SetError>(Done{}) : machineError(swept.error());
}

uint32_t PrefixTrie::areaInUse() {
  abi::PrefixTrieHead& head = memory_.head();
  if (head.area)
    return head.area;
  const uint32_t area = memory_.unusedArea();
  const abi::PrefixTrieLayout& layout = memory_.layout();
  std::fill_n(memory_.line(layout.roots[area - 1]), size_t{layout.roots[1] - layout.roots[0]} * abi::kTrieLine,
              uint8_t{0});
  PrefixFront(memory_, area).clear();
  publish(head, area, head.generation);
  return area;
}

Result<bool, SetError> PrefixTrie::rebuild(const PrefixKey& key) {
  const PrefixTree now = tree();
  for (unsigned attempt = 0; attempt < 2; ++attempt) {
    const auto changes = PrefixBuild(memory_, now).change(areaInUse(), key);
    if (!memory_.exhausted()) {
      publish(changes);
      return true;
    }
    if (auto swept = sweep(memory_.head().generation); !swept)
      return swept.error();
  }
  return false;
}

bool PrefixTrie::rebuildAll(uint32_t generation) {
  const PrefixTree now(memory_, generation);
  const uint32_t area = memory_.unusedArea();
  PrefixFront front(memory_, area);
  front.clear();
  std::vector<std::pair<uint32_t, uint8_t>> before; // elements and their places in the other area
  for (abi::Family family : {abi::Family::v4, abi::Family::v6}) {
    const PrefixKey whole{family, 0, {}};
    now.forCovered(whole, [&](uint32_t number) {
      abi::PrefixElement& element = memory_.element(number);
      before.emplace_back(number, element.place);
      element.place = static_cast<uint8_t>(front.put(prefixKey(element), element.own_ns));
      if (placeOf(element) == ElementPlace::trie)
        ++inTrie(area, family);
      return true;
    });
    refresh(now, whole);
  }
  PrefixBuild(memory_, now).all(area);
  if (memory_.exhausted()) {
    memory_.forgetExhausted();
    for (const auto& [number, place] : before)
      memory_.element(number).place = place;
    for (abi::Family family : {abi::Family::v4, abi::Family::v6})
      refresh(now, {family, 0, {}});
    return false;
  }
  publish(memory_.head(), now.count() ? area : 0, generation);
  return true;
}

bool PrefixTrie::refresh(const PrefixTree& tree, const PrefixKey& key) {
  struct Above {
    PrefixKey key;
    uint64_t expires_ns;
  };
  const uint32_t around = tree.covering(key);
  const uint64_t inherited = around ? memory_.element(around).expires_ns : 0;
  std::vector<Above> above;
  bool flipped = false;
  tree.forCovered(key, [&](uint32_t number) {
    abi::PrefixElement& element = memory_.element(number);
    if (placeOf(element) != ElementPlace::trie)
      return true;
    const PrefixKey here = prefixKey(element);
    while (!above.empty() && !above.back().key.covers(here))
      above.pop_back();
    const uint64_t expires = std::max(element.own_ns, above.empty() ? inherited : above.back().expires_ns);
    flipped |= (element.expires_ns == abi::kNever) != (expires == abi::kNever);
    __atomic_store_n(&element.expires_ns, expires, __ATOMIC_RELEASE);
    above.push_back({here, expires});
    return true;
  });
  return flipped;
}

std::optional<uint64_t> PrefixTrie::ownExpiry(const abi::KeyValue& key) const {
  const uint32_t found = tree().find(prefixKey(key));
  return found ? std::optional(memory_.element(found).own_ns) : std::nullopt;
}

// It is no element yet: its generation is 0.
uint32_t PrefixTrie::fill(const PrefixKey& key, uint64_t own_ns) {
  const uint32_t number = memory_.takeElement();
  if (!number)
    return 0;
  abi::PrefixElement& element = memory_.element(number);
  element = {};
  for (unsigned word = 0; word < 2; ++word) {
    element.address[word] = key.address[word];
    element.mask[word] = key.mask(word);
  }
  element.expires_ns = element.own_ns = own_ns;
  element.family = key.family == abi::Family::v4 ? 4 : 6;
  element.length = key.length;
  return number;
}

Result<Done, SetError> PrefixTrie::put(const abi::KeyValue& value, uint64_t own_ns) {
  const Change change(memory_.head());
  const PrefixKey key = prefixKey(value);
  const uint32_t there = tree().find(key);
  return there ? prolong(key, there, own_ns) : insert(key, own_ns);
}

// Programs find it in the new place before they cease to find it in the old one.
Result<Done, SetError> PrefixTrie::prolong(const PrefixKey& key, uint32_t number, uint64_t own_ns) {
  abi::PrefixElement& element = memory_.element(number);
  const ElementPlace place = placeOf(element);
  if (place != ElementPlace::trie && own_ns == abi::kNever)
    return Done{};
  PrefixFront front(memory_, areaInUse());
  const ElementPlace next = front.put(key, own_ns);
  const abi::PrefixElement before = element;
  element.place = static_cast<uint8_t>(next);
  element.own_ns = own_ns;
  if (next != ElementPlace::trie)
    element.expires_ns = own_ns;
  if (!refresh(tree(), key) && place == ElementPlace::trie && next == ElementPlace::trie)
    return Done{};
  const auto rebuilt = rebuild(key);
  const bool done = rebuilt && *rebuilt;
  if (!done) {
    element.place = before.place;
    element.own_ns = before.own_ns;
    element.expires_ns = before.expires_ns;
    refresh(tree(), key);
  }
  if (next != place && (done ? place : next) != ElementPlace::trie)
    front.erase(key, done ? place : next, tree());
  if (done)
    inTrie(areaInUse(), key.family) += (next == ElementPlace::trie) - (place == ElementPlace::trie);
  return done ? Result<Done, SetError>(Done{}) : rebuilt ? noRoom() : rebuilt.error();
}

Result<Done, SetError> PrefixTrie::insert(const PrefixKey& key, uint64_t own_ns) {
  uint32_t number = fill(key, own_ns);
  if (!number) {
    if (auto swept = sweep(memory_.head().generation); !swept)
      return swept;
    number = fill(key, own_ns);
  }
  if (!number)
    return noRoom();
  tree().insert(number);
  abi::PrefixElement& element = memory_.element(number);
  element.generation = memory_.head().generation;
  PrefixFront front(memory_, areaInUse());
  element.place = static_cast<uint8_t>(front.put(key, own_ns));
  if (placeOf(element) != ElementPlace::trie)
    return Done{};
  const uint32_t generation = memory_.head().generation;
  if (own_ns == abi::kNever && front.isWorn() && sweep(generation) && rebuildAll(generation))
    return Done{};
  refresh(tree(), key);
  const auto rebuilt = rebuild(key);
  if (rebuilt && *rebuilt) {
    ++inTrie(areaInUse(), key.family);
    return Done{};
  }
  element.generation = 0;
  tree().erase(number);
  refresh(tree(), key);
  return rebuilt ? noRoom() : rebuilt.error();
}

Result<bool, SetError> PrefixTrie::erase(const abi::KeyValue& value) {
  const PrefixKey key = prefixKey(value);
  const uint32_t number = tree().find(key);
  if (!number)
    return false;
  const Change change(memory_.head());
  abi::PrefixElement& element = memory_.element(number);
  element.generation = 0;
  tree().erase(number);
  if (placeOf(element) != ElementPlace::trie) {
    PrefixFront(memory_, areaInUse()).erase(key, placeOf(element), tree());
    return true;
  }
  refresh(tree(), key);
  const auto rebuilt = rebuild(key);
  if (rebuilt && *rebuilt) {
    --inTrie(areaInUse(), key.family);
    return true;
  }
  PrefixMemory::Marks(memory_).element(number); // a sweep did not know it any more
  tree().insert(number);
  element.generation = memory_.head().generation;
  refresh(tree(), key);
  return rebuilt ? noRoom() : rebuilt.error();
}

Result<size_t, SetError> PrefixTrie::eraseDead(uint64_t now_ns) {
  std::vector<abi::KeyValue> dead;
  for (abi::Family family : {abi::Family::v4, abi::Family::v6})
    tree().forCovered({family, 0, {}}, [&](uint32_t number) {
      if (memory_.element(number).own_ns <= now_ns)
        dead.push_back(keyValue(prefixKey(memory_.element(number))));
      return true;
    });
  for (const abi::KeyValue& key : dead)
    if (auto erased = erase(key); !erased)
      return erased.error();
  return dead.size();
}

Result<Done, SetError> PrefixTrie::clear() {
  const Change change(memory_.head());
  const uint32_t generation = memory_.head().generation + 1;
  PrefixTree(memory_, generation).assign({});
  publish(memory_.head(), 0, generation);
  const auto awaited = memory_.awaitReaders(); // what comes next is written where they may still read
  return awaited ? Result<Done, SetError>(Done{}) : machineError(awaited.error());
}

// The new list is built beside the old one.
Result<Done, SetError> PrefixTrie::replace(std::span<const Element> elements) {
  const Change change(memory_.head());
  if (auto swept = sweep(memory_.head().generation); !swept)
    return swept;
  const uint32_t generation = memory_.head().generation + 1;
  std::vector<uint32_t> numbers;
  for (const Element& element : elements) {
    const uint32_t number = fill(prefixKey(element.key), element.expires_ns);
    if (!number)
      break;
    memory_.element(number).generation = generation;
    numbers.push_back(number);
  }
  bool built = false;
  if (numbers.size() == elements.size()) {
    std::ranges::sort(numbers, [this](uint32_t a, uint32_t b) {
      return prefixKey(memory_.element(a)) < prefixKey(memory_.element(b));
    });
    const PrefixTree next(memory_, generation);
    PrefixTree(next).assign(numbers);
    built = rebuildAll(generation);
  }
  if (built)
    return Done{};
  for (uint32_t number : numbers)
    memory_.element(number).generation = 0;
  return noRoom();
}

SetError PrefixTrie::noRoom() const {
  return {SetError::Kind::full,
          fmt::format("the set `{}` has no room for a trie of these prefixes: they share too little", name_),
          {},
          0};
}

} // namespace xdpc::sets
