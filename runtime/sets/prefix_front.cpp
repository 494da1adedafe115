// Bits and buckets in front of a prefix trie. Tested by tests/unit/state/prefix_front_test.cpp.
#include "runtime/sets/prefix_front.h"

#include <algorithm>
#include <array>
#include <vector>

namespace xdpc::sets {
namespace {

using abi::ElementPlace;
constexpr unsigned kBlockBits = 16, kBitmapBits = 24, kHostBits = 32; // of IPv4 addresses
constexpr unsigned kWords = abi::kBitmapNode / sizeof(uint64_t);
constexpr uint32_t kEmpty = 0; // no host of a bucket

template <class T> void store(T* at, T value) {
  __atomic_store_n(at, value, __ATOMIC_RELEASE);
}

uint32_t addressOf(const PrefixKey& key) {
  return static_cast<uint32_t>(key.address[0] >> 32);
}

uint32_t blockOf(const PrefixKey& key) {
  return addressOf(key) >> kBlockBits;
}

uint32_t* slotWith(uint32_t* bucket, uint32_t address) {
  uint32_t* const end = bucket + abi::kHostSlots;
  uint32_t* const found = std::find(bucket, end, address);
  return found == end ? nullptr : found;
}

} // namespace

// The bits of all blocks of 16 bits that a prefix covers, or of its part of one.
class PrefixFront::Blocks {
public:
  using Bits = std::array<uint64_t, kWords>;

  explicit Blocks(const PrefixKey& all)
      : first_(blockOf(all)), bits_(all.length < kBlockBits ? size_t{1} << (kBlockBits - all.length) : 1) {}

  void set(const PrefixKey& key) {
    if (key.length <= kBlockBits) {
      const size_t count = size_t{1} << (kBlockBits - key.length);
      std::fill_n(bits_.begin() + (blockOf(key) - first_), count, ones());
      return;
    }
    const unsigned slot = addressOf(key) >> (kHostBits - kBitmapBits) & 255, count = 1u << (kBitmapBits - key.length);
    for (unsigned bit = slot; bit < slot + count; ++bit)
      bits_[blockOf(key) - first_][bit / 64] |= uint64_t{1} << bit % 64;
  }

  // Writes what lies in the prefix.
  void write(const PrefixFront& front, const PrefixKey& all) const {
    Blocks own(all);
    own.set(all);
    for (size_t i = 0; i < bits_.size(); ++i)
      writeBlock(front, static_cast<uint32_t>(first_ + i), bits_[i], own.bits_[i]);
  }

private:
  static Bits ones() {
    Bits bits;
    bits.fill(~uint64_t{0});
    return bits;
  }

  static void writeBlock(const PrefixFront& front, uint32_t block, const Bits& bits, const Bits& mask) {
    uint16_t now = bits == ones() ? abi::kNodeIn : abi::kNodeOut;
    if (const uint16_t own = front.owned()[block]; own >= abi::kFirstNode) {
      uint64_t* const words = front.node(own);
      for (unsigned word = 0; word < kWords; ++word)
        if (mask[word])
          store(words + word, (words[word] & ~mask[word]) | bits[word]);
      const auto all = [words](uint64_t same) { return std::count(words, words + kWords, same) == kWords; };
      now = all(0) ? abi::kNodeOut : all(~uint64_t{0}) ? abi::kNodeIn : own;
    }
    store(front.root() + block, now);
  }

  uint32_t first_;
  std::vector<Bits> bits_;
};

uint16_t* PrefixFront::owned() const {
  return reinterpret_cast<uint16_t*>(memory_->line(memory_->layout().owned[area_ - 1]));
}

uint64_t* PrefixFront::node(uint32_t number) const {
  uint8_t* const nodes = memory_->frontArea(area_).data() + memory_->layout().nodesInArea();
  return reinterpret_cast<uint64_t*>(nodes + size_t{number} * abi::kBitmapNode);
}

uint32_t* PrefixFront::bucket(uint32_t address, unsigned which) const {
  const uint32_t number = abi::hostBucket(address, which, memory_->layout().buckets);
  return memory_->hosts(area_).data() + size_t{number} * abi::kHostSlots;
}

void PrefixFront::clear() {
  counts() = {};
  if (memory_->layout().nodes == 0)
    return;
  memory_->head().next_node[area_ - 1] = abi::kFirstNode;
  for (uint16_t* all : {root(), owned()})
    std::fill_n(all, abi::kBitmapRoot / sizeof(uint16_t), uint16_t{abi::kNodeOut});
  std::fill_n(node(abi::kNodeOut), kWords, uint64_t{0});
  std::fill_n(node(abi::kNodeIn), kWords, ~uint64_t{0});
  std::ranges::fill(memory_->hosts(area_), kEmpty);
}

bool PrefixFront::takeNode(uint32_t block) {
  if (owned()[block] >= abi::kFirstNode)
    return true;
  uint32_t& next = memory_->head().next_node[area_ - 1];
  if (next >= memory_->layout().nodes)
    return false;
  std::copy_n(node(root()[block]), kWords, node(next));
  owned()[block] = static_cast<uint16_t>(next++);
  return true;
}

bool PrefixFront::isWorn() const {
  const uint32_t nodes = memory_->layout().nodes;
  return nodes && memory_->head().next_node[area_ - 1] == nodes && counts().bitmap < nodes / 2;
}

// A place in the bucket, which is full: one of its hosts moves to its second bucket, if that is not this one.
uint32_t* PrefixFront::moveAway(uint32_t* full) {
  for (uint32_t* slot = full; slot != full + abi::kHostSlots; ++slot) {
    uint32_t* const other = bucket(*slot, 1);
    if (bucket(*slot, 0) != full || other == full)
      continue;
    if (uint32_t* const place = slotWith(other, kEmpty)) {
      store(place, *slot);
      return slot;
    }
  }
  return nullptr;
}

bool PrefixFront::putHost(uint32_t address) {
  uint32_t* const first = bucket(address, 0);
  uint32_t* const second = bucket(address, 1);
  const auto taken = [](const uint32_t* bucket) {
    return std::count_if(bucket, bucket + abi::kHostSlots, [](uint32_t host) { return host != kEmpty; });
  };
  uint32_t* slot = slotWith(taken(second) < taken(first) ? second : first, kEmpty);
  if (!slot)
    slot = moveAway(first);
  if (!slot)
    slot = moveAway(second);
  if (!slot)
    return false;
  store(slot, address);
  return true;
}

ElementPlace PrefixFront::put(const PrefixKey& key, uint64_t own_ns) {
  if (memory_->layout().nodes == 0 || key.family != abi::Family::v4 || own_ns != abi::kNever)
    return ElementPlace::trie;
  if (key.length == kHostBits && addressOf(key) != kEmpty && putHost(addressOf(key))) {
    store(&counts().hosts, counts().hosts + 1);
    return ElementPlace::hosts;
  }
  if (key.length > kBitmapBits || (key.length > kBlockBits && !takeNode(blockOf(key))))
    return ElementPlace::trie;
  Blocks bits(key);
  bits.set(key);
  bits.write(*this, key);
  store(&counts().bitmap, counts().bitmap + 1);
  return ElementPlace::bitmap;
}

void PrefixFront::erase(const PrefixKey& key, ElementPlace place, const PrefixTree& tree) {
  if (place == ElementPlace::hosts) {
    for (unsigned which = 0; which < 2; ++which)
      if (uint32_t* const slot = slotWith(bucket(addressOf(key), which), addressOf(key)))
        store(slot, kEmpty);
    store(&counts().hosts, counts().hosts - 1);
    return;
  }
  if (!tree.covering(key, ElementPlace::bitmap)) {
    Blocks left(key);
    tree.forCovered(key, [&](uint32_t number) {
      if (const abi::PrefixElement& element = memory_->element(number); placeOf(element) == ElementPlace::bitmap)
        left.set(prefixKey(element));
      return true;
    });
    left.write(*this, key);
  }
  store(&counts().bitmap, counts().bitmap - 1);
}

bool PrefixFront::has(const PrefixKey& address) const {
  if (address.family != abi::Family::v4)
    return false;
  if (counts().bitmap) {
    const unsigned slot = addressOf(address) >> (kHostBits - kBitmapBits) & 255;
    if (node(root()[blockOf(address)])[slot / 64] >> slot % 64 & 1)
      return true;
  }
  return counts().hosts && addressOf(address) != kEmpty &&
         (slotWith(bucket(addressOf(address), 0), addressOf(address)) ||
          slotWith(bucket(addressOf(address), 1), addressOf(address)));
}

} // namespace xdpc::sets
