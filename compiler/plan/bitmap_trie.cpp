// Fills the nodes of a bitmap trie, one 16-bit block of keys after the other.
#include "compiler/plan/bitmap_trie.h"

#include <algorithm>
#include <array>
#include <map>

namespace xdpc::plan {
namespace {

constexpr unsigned kWords = BitmapTrie::kWords;
using Bits = std::array<uint64_t, kWords>; // 256 of them

void setBits(Bits& bits, unsigned from, unsigned to) { // both included
  for (unsigned word = from / 64; word <= to / 64; ++word) {
    const unsigned first = word == from / 64 ? from % 64 : 0;
    const unsigned last = word == to / 64 ? to % 64 : 63;
    bits[word] |= (~uint64_t{0} >> (63 - last)) & (~uint64_t{0} << first);
  }
}

void appendBits(Bytes& out, const Bits& bits) {
  for (uint64_t word : bits)
    append(out, word, 8);
}

class Filling {
public:
  explicit Filling(const Runs& runs) : runs_(runs) {
    data_.deep = std::ranges::any_of(runs, [](const Run& run) { return run.low % 256 != 0 || run.high % 256 != 255; });
    root_.resize(size_t{1} << BitmapTrie::kRootBits);
  }

  BitmapTrieData run() {
    root_.assign(root_.size(), nodeOf({}));
    for (const Run& run : runs_)
      add(static_cast<uint32_t>(run.low), static_cast<uint32_t>(run.high));
    flushBlock();
    for (uint32_t node : root_)
      append(data_.root, node, 2);
    data_.child_bytes = leaves_.size() > 65536 ? 4 : 2;
    for (uint32_t leaf : children_)
      append(data_.children, leaf, data_.child_bytes);
    return std::move(data_);
  }

private:
  void add(uint32_t low, uint32_t high) {
    const uint32_t first = low >> 16, last = high >> 16;
    for (uint32_t block = first; block <= last; ++block) {
      const uint32_t from = block == first ? low & 0xffff : 0, to = block == last ? high & 0xffff : 0xffff;
      if (block != block_)
        flushBlock();
      block_ = block;
      addToBlock(from, to);
    }
  }

  void addToBlock(uint32_t from, uint32_t to) {
    const uint32_t first = from >> 8, last = to >> 8;
    const bool cut_first = from % 256 != 0 || (first == last && to % 256 != 255);
    const bool cut_last = to % 256 != 255 && first != last;
    if (cut_first)
      addToLeaf(first, from % 256, first == last ? to % 256 : 255);
    if (cut_last)
      addToLeaf(last, 0, to % 256);
    const uint32_t whole_first = first + cut_first, whole_end = last + 1 - cut_last;
    if (whole_first < whole_end)
      setBits(in_, whole_first, whole_end - 1);
  }

  void addToLeaf(uint32_t slot, uint32_t from, uint32_t to) {
    if (leaf_slots_.empty() || leaf_slots_.back() != slot) {
      leaf_slots_.push_back(slot);
      leaf_bits_.push_back({});
    }
    setBits(leaf_bits_.back(), from, to);
  }

  void flushBlock() {
    if (block_ != ~0u)
      root_[block_] = leaf_slots_.empty() ? nodeOf(in_) : deepNode();
    in_ = {};
    leaf_slots_.clear();
    leaf_bits_.clear();
  }

  uint32_t nodeOf(const Bits& in) {
    const auto [found, fresh] = nodes_.try_emplace(in, count_);
    if (fresh)
      writeNode(in, {});
    return found->second;
  }

  // Its children's numbers are its own: no other node equals it.
  uint32_t deepNode() {
    Bits marked{};
    for (uint32_t slot : leaf_slots_)
      setBits(marked, slot, slot);
    const uint32_t number = count_;
    writeNode(in_, marked);
    for (const Bits& leaf : leaf_bits_)
      children_.push_back(leafOf(leaf));
    return number;
  }

  void writeNode(const Bits& in, const Bits& marked) {
    ++count_;
    appendBits(data_.nodes, in);
    if (!data_.deep)
      return;
    appendBits(data_.nodes, marked);
    auto base = static_cast<uint32_t>(children_.size());
    for (uint64_t word : marked) {
      append(data_.bases, base, 4);
      base += static_cast<uint32_t>(__builtin_popcountll(word));
    }
  }

  uint32_t leafOf(const Bits& bits) {
    const auto [found, fresh] = leaves_.try_emplace(bits, static_cast<uint32_t>(leaves_.size()));
    if (fresh)
      appendBits(data_.leaves, bits);
    return found->second;
  }

  const Runs& runs_;
  BitmapTrieData data_;
  std::vector<uint32_t> root_, children_;
  std::map<Bits, uint32_t> nodes_, leaves_; // those without children, and all leaves, each once
  uint32_t count_ = 0;                      // of nodes
  uint32_t block_ = ~0u;                    // the block that is filled
  Bits in_{};
  std::vector<uint32_t> leaf_slots_;
  std::vector<Bits> leaf_bits_;
};

} // namespace

BitmapTrieData makeBitmapTrie(const Runs& runs) {
  return Filling(runs).run();
}

BitmapTrie layOut(const BitmapTrieData& data, TableLayout& layout) {
  BitmapTrie trie{.deep = data.deep};
  trie.root = layout.place(data.root, 2);
  trie.nodes = layout.place(data.nodes, BitmapTrie::kWords * 8 * (data.deep ? 2 : 1));
  if (!data.deep)
    return trie;
  trie.bases = layout.place(data.bases, BitmapTrie::kWords * 4);
  trie.leaves = layout.place(data.leaves, BitmapTrie::kWords * 8);
  trie.children = layout.place(data.children, data.child_bytes);
  return trie;
}

} // namespace xdpc::plan
