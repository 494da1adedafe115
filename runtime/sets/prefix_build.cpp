// Builds tries from elements, depth first. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/sets/prefix_build.h"

#include <algorithm>
#include <bit>

namespace xdpc::sets {
namespace {

using abi::EntryKind;
constexpr unsigned kSlotBits = 8;

uint32_t stateOf(const abi::PrefixElement& element, uint32_t number) {
  return element.expires_ns == abi::kNever ? abi::kIn : abi::trieEntry(EntryKind::element, number);
}

uint32_t elementOf(uint32_t entry) {
  return kindOf(entry) == EntryKind::element ? whatOf(entry) : 0;
}

void emit(std::vector<TrieStep>& steps, const TrieStep& step) {
  if (!steps.empty() && steps.back().from == step.from)
    steps.pop_back();
  if (!steps.empty() && steps.back().entry == step.entry)
    steps.back().element = 0;
  else
    steps.push_back(step);
}

unsigned roundedLength(unsigned bits, unsigned least) {
  return std::max(least, std::min(bits, 64 - kSlotBits) / kSlotBits * kSlotBits);
}

} // namespace

PrefixBuild::Region PrefixBuild::Region::slot(uint64_t start, unsigned shift, unsigned number) const {
  Region region = *this;
  region.key.address[word] = start + (uint64_t{number} << shift);
  region.key.length = static_cast<uint8_t>(64 * word + 64 - shift);
  return region;
}

// The steps of a region, from the elements that it covers, in order.
class PrefixBuild::Collecting {
public:
  Collecting(PrefixBuild& build, const Region& region) : build_(build), region_(region) {
    const uint32_t around = build.tree_.covering(region.key);
    open_.push_back({region.last(), around ? stateOf(build.memory_.element(around), around) : abi::kOut});
    emit(steps_, {region.first(), top(), elementOf(top())});
  }

  std::vector<TrieStep> run() {
    build_.tree_.forCovered(region_.key, [this](uint32_t element) {
      add(element);
      return true;
    });
    closeBefore(region_.last());
    return std::move(steps_);
  }

private:
  struct Open {
    uint64_t last;
    uint32_t entry;
  };

  uint32_t top() const { return open_.back().entry; }

  void add(uint32_t number) {
    const abi::PrefixElement& element = build_.memory_.element(number);
    if (placeOf(element) != abi::ElementPlace::trie)
      return;
    const PrefixKey key = prefixKey(element);
    const uint64_t first = key.address[region_.word];
    if (region_.word == 0 && key.length > 64)
      return addLow(key);
    if (first > 0)
      closeBefore(first - 1);
    if (top() == abi::kIn)
      return;
    const uint32_t state = stateOf(element, number);
    emit(steps_, {first, state, number});
    open_.push_back({key.last(region_.word), state});
  }

  // The first of those in one /64 asks for all of them.
  void addLow(const PrefixKey& key) {
    const uint64_t first = key.address[0];
    if (low_ == first)
      return;
    low_ = first;
    if (first > 0)
      closeBefore(first - 1);
    if (top() == abi::kIn)
      return;
    const uint32_t entry = build_.build({key.cut(64), 1});
    emit(steps_, {first, hasLine(entry) ? entry | abi::kLowWord : entry, elementOf(entry)});
    if (first != region_.last())
      emit(steps_, {first + 1, top(), 0});
  }

  // Ends those that end there or before.
  void closeBefore(uint64_t last) {
    while (open_.size() > 1 && open_.back().last <= last) {
      const uint64_t end = open_.back().last;
      open_.pop_back();
      if (end != region_.last())
        emit(steps_, {end + 1, top(), 0});
    }
  }

  PrefixBuild& build_;
  const Region& region_;
  std::vector<TrieStep> steps_;
  std::vector<Open> open_; // the outermost is what covers the region
  std::optional<uint64_t> low_;
};

uint32_t PrefixBuild::build(const Region& region) {
  return entryOf(region, Collecting(*this, region).run());
}

uint32_t PrefixBuild::entryOf(const Region& region, TrieSteps steps) {
  if (steps.size() == 1)
    return steps[0].entry;
  const auto in = [](const TrieStep& step) { return step.entry != abi::kOut; };
  if (std::ranges::count_if(steps, in) == 1)
    if (const uint32_t only = std::ranges::find_if(steps, in)->element)
      return abi::trieEntry(EntryKind::element, only);
  if (region.length() + kSlotBits <= 64 && areAnswersOfSlots(region, steps))
    return bitsOf(region, steps);
  // Programs compare by the sign of a difference, which keys that begin alike have.
  if (region.length() == 0)
    return nodeOf(region, steps);
  if (steps.size() <= abi::TrieBounds::kRuns)
    return makeBounds(memory_, steps, region.last());
  const unsigned shift = region.length() < 48 ? 48 - region.length() : 0;
  const auto aligned = [&](const TrieStep& step) { return (step.from & ((uint64_t{1} << shift) - 1)) == 0; };
  if (steps.size() <= abi::TrieShortBounds::kRuns && std::ranges::all_of(steps.subspan(1), aligned))
    return makeShortBounds(memory_, steps, shift);
  return nodeOf(region, steps);
}

// One bit a slot is as small as a list of runs, and quicker.
bool PrefixBuild::areAnswersOfSlots(const Region& region, TrieSteps steps) {
  const unsigned shift = 64 - region.length() - kSlotBits;
  return std::ranges::all_of(steps, [&](const TrieStep& step) {
    const bool aligned = (step.from & ((uint64_t{1} << shift) - 1)) == 0;
    return (aligned || step.from <= region.first()) && (step.entry == abi::kOut || step.entry == abi::kIn);
  });
}

uint32_t PrefixBuild::bitsOf(const Region& region, TrieSteps steps) {
  const unsigned shift = 64 - region.length() - kSlotBits;
  TrieSlots slots{};
  fillSlots(region, steps, region.first(), shift, slots);
  return makeNode(memory_, {region.first() >> shift >> kSlotBits, shift, abi::kOut}, slots);
}

// All bits in which the keys do not differ are skipped, if it is the same on both sides.
uint32_t PrefixBuild::nodeOf(const Region& region, TrieSteps steps) {
  NodeShape shape{.otherwise = steps.front().entry};
  unsigned length = region.length();
  uint64_t start = region.first();
  if (steps.front().entry == steps.back().entry) {
    const uint64_t first = steps[1].from, last = steps.back().from - 1;
    length = roundedLength(static_cast<unsigned>(std::countl_zero(first ^ last)), length);
    start = length ? first >> (64 - length) << (64 - length) : 0;
  }
  shape.shift = 64 - length - kSlotBits;
  shape.expected = start >> shape.shift >> kSlotBits;
  TrieSlots slots{};
  fillSlots(region, steps, start, shape.shift, slots);
  return makeNode(memory_, shape, slots);
}

void PrefixBuild::fillSlots(const Region& region, TrieSteps steps, uint64_t start, unsigned shift,
                            std::span<uint32_t> slots) {
  size_t step = 0;
  for (unsigned slot = 0; slot < slots.size(); ++slot) {
    const Region part = region.slot(start, shift, slot);
    while (step + 1 < steps.size() && steps[step + 1].from <= part.first())
      ++step;
    size_t end = step;
    while (end + 1 < steps.size() && steps[end + 1].from <= part.last())
      ++end;
    slots[slot] = entryOf(part, steps.subspan(step, end - step + 1));
    step = end;
  }
}

uint32_t PrefixBuild::update(uint32_t entry, const Region& region, const PrefixKey& key) {
  if (entry & abi::kLowWord)
    return updateLow(entry, region, key);
  switch (kindOf(entry)) {
  case EntryKind::node:
    return updateNode(entry, region, key);
  case EntryKind::bounds:
    return updateBounds(entry, region, key);
  default:
    return build(region);
  }
}

// The region is one /64.
uint32_t PrefixBuild::updateLow(uint32_t entry, const Region& region, const PrefixKey& key) {
  if (key.length <= 64)
    return build(region);
  const uint32_t updated = update(entry & ~abi::kLowWord, {region.key.cut(64), 1}, key);
  return hasLine(updated) ? updated | abi::kLowWord : updated;
}

// Only what a single /64 leads to can be large.
uint32_t PrefixBuild::updateBounds(uint32_t entry, const Region& region, const PrefixKey& key) {
  const abi::TrieBounds bounds = memory_.lineAs<abi::TrieBounds>(whatOf(entry));
  const auto run = std::ranges::count_if(bounds.from, [&](uint64_t from) { return from <= key.address[region.word]; });
  const uint32_t below = bounds.entries[run];
  if (region.word != 0 || key.length <= 64 || !(below & abi::kLowWord))
    return build(region);
  const uint32_t updated = updateLow(below, {key.cut(64), 0}, key);
  if (!hasLine(updated))
    return build(region);
  const uint32_t line = memory_.takeLines(1);
  auto& made = memory_.lineAs<abi::TrieBounds>(line);
  made = bounds;
  std::ranges::replace(made.entries, below, updated);
  return abi::trieEntry(EntryKind::bounds, line);
}

uint32_t PrefixBuild::updateNode(uint32_t entry, const Region& region, const PrefixKey& key) {
  const abi::TrieNode& node = memory_.lineAs<abi::TrieNode>(whatOf(entry));
  const unsigned shift = node.shift, length = 64 - shift - kSlotBits;
  Region inner = region;
  inner.key.address[region.word] = length ? node.expected << (64 - length) : 0;
  inner.key.length = static_cast<uint8_t>(64 * region.word + length);
  if (!inner.key.covers(key))
    return key.covers(inner.key) ? build(region) : besideNode(entry, region, inner, key);
  if (key.length == inner.key.length)
    return build(region);
  TrieSlots slots = readNode(memory_, node);
  const unsigned first = region.slotOf(key, shift);
  const unsigned bits = key.length - inner.key.length;
  const unsigned last = bits < kSlotBits ? first + (1u << (kSlotBits - bits)) - 1 : first;
  for (unsigned slot = first; slot <= last; ++slot) {
    const Region part = inner.slot(inner.first(), shift, slot);
    slots[slot] = bits < kSlotBits ? build(part) : update(slots[slot], part, key);
  }
  return simplest(region, inner, {node.expected, shift, node.otherwise}, slots);
}

// A node in front of both: the one that is there, and what is new beside it.
uint32_t PrefixBuild::besideNode(uint32_t entry, const Region& region, const Region& inner, const PrefixKey& key) {
  const uint32_t otherwise = memory_.lineAs<abi::TrieNode>(whatOf(entry)).otherwise;
  const uint64_t differs = inner.first() ^ key.address[region.word];
  const unsigned length = roundedLength(static_cast<unsigned>(std::countl_zero(differs)), region.length());
  const unsigned shift = 64 - length - kSlotBits;
  const uint64_t start = length ? inner.first() >> (64 - length) << (64 - length) : 0;
  TrieSlots slots{};
  slots.fill(otherwise);
  slots[region.slotOf(inner.key, shift)] = entry;
  const unsigned first = region.slotOf(key, shift), bits = key.length - (64 * region.word + length);
  const unsigned last = bits < kSlotBits ? first + (1u << (kSlotBits - bits)) - 1 : first;
  for (unsigned slot = first; slot <= last; ++slot)
    slots[slot] = build(region.slot(start, shift, slot));
  return makeNode(memory_, {start >> shift >> kSlotBits, shift, otherwise}, slots);
}

// What is left of a node may be few runs, or all in one slot.
uint32_t PrefixBuild::simplest(const Region& region, const Region& inner, const NodeShape& shape,
                               const TrieSlots& slots) {
  if (std::ranges::any_of(slots, hasLine))
    return makeNode(memory_, shape, slots);
  std::vector<TrieStep> steps;
  const uint32_t around = region.key.length < inner.key.length ? shape.otherwise : slots[0];
  emit(steps, {region.first(), around, elementOf(around)});
  for (unsigned slot = 0; slot < kTrieSlots; ++slot)
    emit(steps, {inner.slot(inner.first(), shape.shift, slot).first(), slots[slot], elementOf(slots[slot])});
  if (inner.last() != region.last())
    emit(steps, {inner.last() + 1, around, 0});
  return steps.size() <= abi::TrieBounds::kRuns ? entryOf(region, steps) : makeNode(memory_, shape, slots);
}

std::vector<RootChange> PrefixBuild::change(uint32_t area, const PrefixKey& key) {
  const unsigned root_bits = memory_.layout().root_bits, shift = 64 - root_bits;
  uint32_t* root = memory_.root(area, key.family);
  const auto first = static_cast<uint32_t>(key.address[0] >> shift);
  const Region whole{{key.family, 0, {}}, 0};
  if (key.length >= root_bits)
    return {{root + first, update(root[first], whole.slot(0, shift, first), key)}};
  std::vector<uint32_t> slots(size_t{1} << (root_bits - key.length));
  const Region region{key, 0};
  fillSlots(region, Collecting(*this, region).run(), region.first(), shift, slots);
  std::vector<RootChange> changes;
  for (size_t slot = 0; slot < slots.size(); ++slot)
    changes.push_back({root + first + slot, slots[slot]});
  return changes;
}

void PrefixBuild::all(uint32_t area) {
  for (abi::Family family : {abi::Family::v4, abi::Family::v6}) {
    if (family == abi::Family::v4 ? !memory_.layout().v4 : !memory_.layout().v6)
      continue;
    const Region whole{{family, 0, {}}, 0};
    const std::span slots(memory_.root(area, family), memory_.rootEntries());
    fillSlots(whole, Collecting(*this, whole).run(), 0, 64 - memory_.layout().root_bits, slots);
  }
}

} // namespace xdpc::sets
