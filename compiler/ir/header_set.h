// A set of headers by their ids, in order, as one bit each: the checker makes and joins several for every condition.
// Ids are small, as a policy has some hundred headers. Tested by tests/unit/sema/header_set_test.cpp.
#pragma once

#include "compiler/ir/ir.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

namespace xdpc::ir {

class HeaderSet {
public:
  class Iterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = HeaderId;
    using difference_type = std::ptrdiff_t;
    using pointer = const HeaderId*;
    using reference = HeaderId;

    Iterator() = default;
    Iterator(const HeaderSet* set, HeaderId at) : set_(set), at_(at) {}
    HeaderId operator*() const { return at_; }
    Iterator& operator++() {
      at_ = set_->from(at_ + 1);
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

  private:
    const HeaderSet* set_ = nullptr;
    HeaderId at_ = 0;
  };

  HeaderSet() = default;
  HeaderSet(std::initializer_list<HeaderId> ids) { insert(ids.begin(), ids.end()); }

  // NOLINTBEGIN(readability-identifier-naming): as a std::set
  Iterator begin() const { return {this, from(0)}; }
  Iterator end() const { return {this, limit()}; }
  bool empty() const { return begin() == end(); }
  size_t size() const { return static_cast<size_t>(std::distance(begin(), end())); }
  bool contains(HeaderId id) const { return id < limit() && (word(id / kBits) >> id % kBits & 1) != 0; }
  void clear() { *this = {}; }

  // Whether it is new.
  bool insert(HeaderId id) {
    if (id >= limit())
      far_.resize(id / kBits - kNear + 1);
    uint64_t& word = wordOf(id / kBits);
    const uint64_t before = std::exchange(word, word | uint64_t{1} << id % kBits);
    return before != word;
  }
  void insert(const HeaderSet& others) {
    if (far_.size() < others.far_.size())
      far_.resize(others.far_.size());
    for (size_t i = 0; i < others.words(); ++i)
      wordOf(i) |= others.word(i);
  }
  template <class It> void insert(It first, It last) {
    for (; first != last; ++first)
      insert(*first);
  }
  // NOLINTEND(readability-identifier-naming)

  template <class Predicate> void removeIf(const Predicate& predicate) {
    for (const HeaderId id : *this)
      if (predicate(id))
        wordOf(id / kBits) &= ~(uint64_t{1} << id % kBits);
  }
  void keepCommon(const HeaderSet& others) {
    for (size_t i = 0; i < words(); ++i)
      wordOf(i) &= i < others.words() ? others.word(i) : 0;
  }

  bool operator==(const HeaderSet& other) const {
    for (size_t i = 0; i < std::max(words(), other.words()); ++i)
      if ((i < words() ? word(i) : 0) != (i < other.words() ? other.word(i) : 0))
        return false;
    return true;
  }

private:
  static constexpr unsigned kBits = 64, kNear = 2;

  size_t words() const { return kNear + far_.size(); }
  HeaderId limit() const { return static_cast<HeaderId>(words() * kBits); }
  uint64_t word(size_t i) const { return i < kNear ? near_[i] : far_[i - kNear]; }
  uint64_t& wordOf(size_t i) { return i < kNear ? near_[i] : far_[i - kNear]; }

  // The first from there on, or limit().
  HeaderId from(HeaderId id) const {
    if (id >= limit())
      return limit();
    size_t i = id / kBits;
    uint64_t bits = word(i) >> id % kBits << id % kBits;
    while (bits == 0 && ++i < words())
      bits = word(i);
    return bits == 0 ? limit() : static_cast<HeaderId>(i * kBits + static_cast<unsigned>(std::countr_zero(bits)));
  }

  std::array<uint64_t, kNear> near_{};
  std::vector<uint64_t> far_; // beyond them
};

} // namespace xdpc::ir
