// Takes lines and elements, and sweeps. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/sets/prefix_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpc::sets {
namespace {

constexpr uint32_t kNowhere = 16; // the first lines of all, which are what is taken where there are no more

bool isTaken(const uint64_t* bits, uint32_t number) {
  return bits[number / 64] >> number % 64 & 1;
}

void take(uint64_t* bits, uint32_t number) {
  bits[number / 64] |= uint64_t{1} << number % 64;
}

} // namespace

Result<PrefixMemory, engine::MapError> PrefixMemory::open(const engine::Maps& maps, const abi::Manifest& manifest,
                                                          const abi::Set& set) {
  PrefixMemory memory;
  memory.maps_ = &maps;
  memory.layout_ = abi::prefixTrieLayout(set.key.parts[0], set.capacity);
  const abi::TrieMaps trie = *abi::trieMaps(manifest, set);
  memory.lines_ = maps.memory(trie.lines);
  memory.front_ = maps.memory(trie.front);
  if (trie.hosts)
    memory.hosts_ = maps.memory(*trie.hosts);
  if (memory.lines_.size() < size_t{memory.layout_.lines} * abi::kTrieLine ||
      memory.front_.size() < memory.layout_.frontBytes() ||
      (trie.hosts && memory.hosts_.size() < size_t{2} * memory.layout_.hostBytes()))
    return engine::MapError{EINVAL, "cannot map the trie of the set `" + set.name + "` into memory"};
  return memory;
}

std::span<uint8_t> PrefixMemory::frontArea(uint32_t area) const {
  const size_t bytes = layout_.areaBytes();
  return front_.subspan(abi::kFrontHead + (area - 1) * bytes, bytes);
}

std::span<uint32_t> PrefixMemory::hosts(uint32_t area) const {
  const size_t bytes = layout_.hostBytes();
  const std::span<uint8_t> found = layout_.hosts_apart ? hosts_.subspan((area - 1) * bytes, bytes)
                                                       : frontArea(area).subspan(layout_.hostsInArea(), bytes);
  return {reinterpret_cast<uint32_t*>(found.data()), bytes / sizeof(uint32_t)};
}

uint32_t PrefixMemory::runOfFree(uint32_t from, uint32_t to, unsigned count) const {
  const uint64_t* bits = lineBits();
  unsigned run = 0;
  for (uint32_t at = from; at < to; ++at) {
    if (at % 64 == 0 && bits[at / 64] == ~uint64_t{0}) {
      run = 0;
      at += 63;
      continue;
    }
    run = isTaken(bits, at) ? 0 : run + 1;
    if (run == count)
      return at + 1 - count;
  }
  return 0;
}

uint32_t PrefixMemory::takeLines(unsigned count) {
  const uint32_t first = layout_.first_line + kNowhere;
  const uint32_t from = std::clamp(head().next_line, first, layout_.element);
  uint32_t at = runOfFree(from, layout_.element, count);
  if (!at)
    at = runOfFree(first, std::min(from + count, layout_.element), count);
  if (!at) {
    exhausted_ = true;
    return layout_.first_line;
  }
  for (uint32_t line = at; line < at + count; ++line)
    take(lineBits(), line);
  std::memset(line(at), 0, size_t{count} * abi::kTrieLine);
  head().next_line = at + count;
  return at;
}

uint32_t PrefixMemory::takeElement() {
  const uint32_t from = std::clamp<uint32_t>(head().next_element, 1, layout_.elements);
  for (uint32_t step = 0; step + 1 < layout_.elements; ++step) {
    const uint32_t at = (from - 1 + step) % (layout_.elements - 1) + 1;
    if (at % 64 == 0 && elementBits()[at / 64] == ~uint64_t{0} && at + 64 < layout_.elements) {
      step += 63;
      continue;
    }
    if (isTaken(elementBits(), at))
      continue;
    take(elementBits(), at);
    head().next_element = at + 1;
    head().last_element = std::max(head().last_element, at);
    return at;
  }
  return 0;
}

void PrefixMemory::Marks::lines(uint32_t first, unsigned count) const {
  for (uint32_t line = first; line < first + count; ++line)
    take(memory_.lineBits(), line);
}

void PrefixMemory::Marks::element(uint32_t number) const {
  take(memory_.elementBits(), number);
}

Result<Done, engine::MapError> PrefixMemory::sweep(const std::function<void(const Marks&)>& mark) {
  if (auto awaited = maps_->awaitReaders(); !awaited)
    return awaited;
  const size_t bitmaps = layout_.roots[0] - layout_.line_bitmap;
  std::memset(line(layout_.line_bitmap), 0, bitmaps * abi::kTrieLine);
  const Marks marks(*this);
  marks.lines(0, layout_.first_line + kNowhere);
  marks.element(0);
  mark(marks);
  head().next_line = head().next_element = 0;
  exhausted_ = false;
  return Done{};
}

} // namespace xdpc::sets
