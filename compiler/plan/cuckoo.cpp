// Cuckoo hashing: a key without a place takes that of another, which goes to its other bucket.
#include "compiler/plan/cuckoo.h"

namespace xdpc::plan {
namespace {

constexpr unsigned kMaxMoves = 2000;

class Placing {
public:
  explicit Placing(const Cuckoo& shape) : shape_(shape), places_(uint64_t{2} * shape.buckets * shape.slots, kFree) {}

  bool put(uint32_t key) {
    for (unsigned moves = 0, table = 0; moves < kMaxMoves; ++moves) {
      if (putFree(key, table) || putFree(key, 1 - table))
        return true;
      // One by lot goes: in turn, moves would go round in circles.
      lot_ = lot_ * 6364136223846793005 + 1442695040888963407;
      std::swap(key, places_[firstSlot(key, table) + (lot_ >> 33) % shape_.slots]);
      table = 1 - table;
    }
    return false;
  }

  std::vector<uint32_t> take() { return std::move(places_); }

private:
  uint64_t firstSlot(uint32_t key, unsigned table) const {
    return (uint64_t{table} * shape_.buckets + shape_.bucket(key, table)) * shape_.slots;
  }

  bool putFree(uint32_t key, unsigned table) {
    const uint64_t first = firstSlot(key, table);
    for (uint64_t slot = first; slot < first + shape_.slots; ++slot)
      if (places_[slot] == kFree) {
        places_[slot] = key;
        return true;
      }
    return false;
  }

  const Cuckoo& shape_;
  std::vector<uint32_t> places_;
  uint64_t lot_ = 0;
};

} // namespace

std::optional<std::vector<uint32_t>> Cuckoo::place(uint32_t keys) const {
  Placing placing(*this);
  for (uint32_t key = 0; key < keys; ++key)
    if (!placing.put(key))
      return std::nullopt;
  return placing.take();
}

} // namespace xdpc::plan
