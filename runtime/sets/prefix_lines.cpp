// Lines of a prefix trie. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/sets/prefix_lines.h"

#include <algorithm>
#include <bit>

namespace xdpc::sets {
namespace {

using abi::EntryKind;
constexpr unsigned kLineEntries = abi::kTrieLine / sizeof(uint32_t);

unsigned runsOf(const abi::TrieNode& node) {
  unsigned runs = 0;
  for (uint64_t word : node.marks)
    runs += static_cast<unsigned>(std::popcount(word));
  return runs;
}

bool areAnswers(const TrieSlots& slots) {
  return std::ranges::all_of(slots, [](uint32_t entry) { return entry == abi::kOut || entry == abi::kIn; });
}

uint64_t inFront(uint64_t key, unsigned shift) {
  return key >> shift >> 8;
}

// The run of the slot, from 0.
unsigned runOf(const abi::TrieNode& node, unsigned slot) {
  return node.before[slot / 64] + static_cast<unsigned>(std::popcount(node.marks[slot / 64] << (63 - slot % 64))) - 1;
}

uint32_t step(const PrefixMemory& memory, uint32_t entry, uint64_t key) {
  const uint32_t line = whatOf(entry);
  if (kindOf(entry) == EntryKind::bounds) {
    const auto& bounds = memory.lineAs<abi::TrieBounds>(line);
    return bounds.entries[std::ranges::count_if(bounds.from, [&](uint64_t from) { return from <= key; })];
  }
  if (kindOf(entry) == EntryKind::short_bounds) {
    const auto& bounds = memory.lineAs<abi::TrieShortBounds>(line);
    const uint64_t part = key >> bounds.shift & 0xffff;
    return bounds.entries[std::ranges::count_if(bounds.from, [&](uint16_t from) { return from <= part; })];
  }
  const auto& node = memory.lineAs<abi::TrieNode>(line);
  if (inFront(key, node.shift) != node.expected)
    return node.otherwise;
  const unsigned slot = key >> node.shift & 255;
  if (kindOf(entry) == EntryKind::bits)
    return node.marks[slot / 64] >> slot % 64 & 1 ? abi::kIn : abi::kOut;
  return reinterpret_cast<const uint32_t*>(memory.line(node.entries))[runOf(node, slot)];
}

} // namespace

uint32_t makeBounds(PrefixMemory& memory, TrieSteps steps, uint64_t last) {
  const uint32_t line = memory.takeLines(1);
  auto& bounds = memory.lineAs<abi::TrieBounds>(line);
  for (size_t i = 0; i < abi::TrieBounds::kRuns; ++i) {
    bounds.entries[i] = steps[std::min(i, steps.size() - 1)].entry;
    if (i > 0)
      bounds.from[i - 1] = i < steps.size() ? steps[i].from : last;
  }
  return abi::trieEntry(EntryKind::bounds, line);
}

uint32_t makeShortBounds(PrefixMemory& memory, TrieSteps steps, unsigned shift) {
  const uint32_t line = memory.takeLines(1);
  auto& bounds = memory.lineAs<abi::TrieShortBounds>(line);
  bounds.shift = static_cast<uint16_t>(shift);
  for (size_t i = 0; i < abi::TrieShortBounds::kRuns; ++i) {
    bounds.entries[i] = steps[std::min(i, steps.size() - 1)].entry;
    if (i > 0)
      bounds.from[i - 1] = i < steps.size() ? static_cast<uint16_t>(steps[i].from >> shift) : 0xffff;
  }
  return abi::trieEntry(EntryKind::short_bounds, line);
}

uint32_t makeNode(PrefixMemory& memory, const NodeShape& shape, const TrieSlots& slots) {
  abi::TrieNode made{};
  made.expected = shape.expected;
  made.otherwise = shape.otherwise;
  made.shift = shape.shift;
  const bool answers = areAnswers(slots);
  std::array<uint32_t, kTrieSlots> runs{};
  unsigned count = 0;
  for (unsigned slot = 0; slot < kTrieSlots; ++slot) {
    if (slot % 64 == 0)
      made.before[slot / 64] = static_cast<uint8_t>(count);
    const bool starts = slot == 0 || slots[slot] != slots[slot - 1];
    if (starts)
      runs[count++] = slots[slot];
    if (answers ? slots[slot] == abi::kIn : starts)
      made.marks[slot / 64] |= uint64_t{1} << slot % 64;
  }
  if (!answers) {
    made.entries = memory.takeLines((count + kLineEntries - 1) / kLineEntries);
    std::copy_n(runs.begin(), count, reinterpret_cast<uint32_t*>(memory.line(made.entries)));
  }
  const uint32_t line = memory.takeLines(1);
  memory.lineAs<abi::TrieNode>(line) = made;
  return abi::trieEntry(answers ? EntryKind::bits : EntryKind::node, line);
}

TrieSlots readNode(const PrefixMemory& memory, const abi::TrieNode& node) {
  const auto* entries = reinterpret_cast<const uint32_t*>(memory.line(node.entries));
  TrieSlots slots{};
  for (unsigned slot = 0; slot < kTrieSlots; ++slot)
    slots[slot] = entries[runOf(node, slot)];
  return slots;
}

void markLines(const PrefixMemory& memory, const PrefixMemory::Marks& marks, uint32_t entry) {
  if (!hasLine(entry))
    return;
  const uint32_t line = whatOf(entry);
  marks.lines(line, 1);
  std::span<const uint32_t> below;
  if (kindOf(entry) == EntryKind::bounds) {
    below = memory.lineAs<abi::TrieBounds>(line).entries;
  } else if (kindOf(entry) == EntryKind::short_bounds) {
    below = memory.lineAs<abi::TrieShortBounds>(line).entries;
  } else if (kindOf(entry) == EntryKind::node) {
    const auto& node = memory.lineAs<abi::TrieNode>(line);
    const unsigned runs = runsOf(node);
    marks.lines(node.entries, (runs + kLineEntries - 1) / kLineEntries);
    below = {reinterpret_cast<const uint32_t*>(memory.line(node.entries)), runs};
  }
  uint32_t before = abi::kOut; // what fills a line up is the same again
  for (uint32_t one : below)
    if (one != std::exchange(before, one))
      markLines(memory, marks, one);
}

bool asksTrie(const PrefixMemory& memory, uint32_t area, const PrefixKey& address, uint64_t now_ns) {
  uint64_t key = address.address[0];
  uint32_t entry = memory.root(area, address.family)[key >> (64 - memory.layout().root_bits)];
  for (unsigned depth = 0; hasLine(entry); ++depth) {
    if (depth == abi::trieDepth(address.family, memory.layout().root_bits))
      return false;
    if (entry & abi::kLowWord)
      key = address.address[1];
    entry = step(memory, entry, key);
  }
  if (kindOf(entry) == EntryKind::leaf)
    return entry == abi::kIn;
  const abi::PrefixElement& element = memory.element(whatOf(entry));
  return prefixKey(element).covers(address) && now_ns < element.expires_ns;
}

} // namespace xdpc::sets
