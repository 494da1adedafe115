// The maps of a prefix trie as memory, and what of them is taken. Lines and elements are only taken, never given
// back one by one: a sweep frees what nothing leads to any more, behind a grace period. Tested by
// tests/unit/state/prefix_trie_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/abi/prefix_trie.h"
#include "runtime/engine/maps.h"

#include <functional>

namespace xdpc::sets {

class PrefixMemory {
public:
  static Result<PrefixMemory, engine::MapError> open(const engine::Maps& maps, const abi::Manifest& manifest,
                                                     const abi::Set& set);

  const abi::PrefixTrieLayout& layout() const { return layout_; }
  abi::PrefixTrieHead& head() const { return *reinterpret_cast<abi::PrefixTrieHead*>(front_.data()); }
  uint8_t* line(uint32_t number) const { return lines_.data() + size_t{number} * abi::kTrieLine; }
  template <class T> T& lineAs(uint32_t number) const { return *reinterpret_cast<T*>(line(number)); }
  abi::PrefixElement& element(uint32_t number) const { return lineAs<abi::PrefixElement>(layout_.element + number); }
  // Areas are 1 and 2.
  uint32_t* root(uint32_t area, abi::Family family) const {
    return reinterpret_cast<uint32_t*>(line(layout_.roots[area - 1] + layout_.rootOf(family)));
  }
  uint32_t rootEntries() const { return 1u << layout_.root_bits; }
  std::span<uint8_t> frontArea(uint32_t area) const; // root and nodes of the bitmap, then hosts if they are there
  std::span<uint32_t> hosts(uint32_t area) const;    // buckets, one behind the other
  abi::FrontCounts& counts(uint32_t area) const { return head().counts[area - 1]; }
  uint32_t unusedArea() const { return head().area == 1 ? 2 : 1; }
  Result<Done, engine::MapError> awaitReaders() const { return maps_->awaitReaders(); }

  // Up to 16 lines, one behind the other, zeroed. Where there are none, some that nobody reads: what is built of them
  // must not be published, which `exhausted` says.
  uint32_t takeLines(unsigned count);
  bool exhausted() const { return exhausted_; }
  void forgetExhausted() { exhausted_ = false; }
  uint32_t takeElement(); // 0 if there is none

  // Frees all but what `mark` marks.
  class Marks {
  public:
    explicit Marks(const PrefixMemory& memory) : memory_(memory) {}
    void lines(uint32_t first, unsigned count) const;
    void element(uint32_t number) const;

  private:
    const PrefixMemory& memory_;
  };
  Result<Done, engine::MapError> sweep(const std::function<void(const Marks&)>& mark);

private:
  uint64_t* lineBits() const { return reinterpret_cast<uint64_t*>(line(layout_.line_bitmap)); }
  uint64_t* elementBits() const { return reinterpret_cast<uint64_t*>(line(layout_.element_bitmap)); }
  uint32_t runOfFree(uint32_t from, uint32_t to, unsigned count) const;

  const engine::Maps* maps_ = nullptr;
  std::span<uint8_t> lines_, front_, hosts_;
  abi::PrefixTrieLayout layout_;
  bool exhausted_ = false;
};

} // namespace xdpc::sets
