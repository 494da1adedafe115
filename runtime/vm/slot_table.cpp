// Open addressing with linear probing, at most half full; removal closes the gap, so that there are no tombstones.
#include "runtime/vm/slot_table.h"

namespace xdpc::vm {

uint64_t SlotTable::home(const uint8_t* key) const {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (uint32_t at = 0; at < key_size_; at += 4) {
    uint32_t word = 0;
    std::memcpy(&word, key + at, std::min<uint32_t>(4, key_size_ - at));
    hash = (hash ^ word) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  return hash & (index_.size() - 1);
}

size_t SlotTable::probe(const uint8_t* key) const {
  size_t at = home(key);
  while (index_[at] != 0 && std::memcmp(this->key(index_[at] - 1), key, key_size_) != 0)
    at = (at + 1) & (index_.size() - 1);
  return at;
}

std::optional<uint32_t> SlotTable::find(const uint8_t* key) const {
  uint32_t entry = index_[probe(key)];
  if (entry == 0)
    return {};
  return entry - 1;
}

std::optional<uint32_t> SlotTable::insert(const uint8_t* key) {
  if (used_ == capacity_)
    return {};
  if ((used_ + 1) * 2 > index_.size())
    grow();
  uint32_t slot;
  if (free_.empty()) {
    slot = uint32_t(live_.size());
    live_.push_back(true);
    keys_.insert(keys_.end(), key, key + key_size_);
  } else {
    slot = free_.back();
    free_.pop_back();
    live_[slot] = true;
    std::memcpy(keys_.data() + uint64_t{slot} * key_size_, key, key_size_);
  }
  index_[probe(key)] = slot + 1;
  ++used_;
  return slot;
}

void SlotTable::remove(uint32_t slot) {
  size_t mask = index_.size() - 1;
  size_t gap = probe(key(slot));
  for (size_t at = (gap + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    size_t start = home(key(index_[at] - 1));
    // Move it into the gap unless its search would then begin behind the gap.
    if (((at - start) & mask) >= ((at - gap) & mask)) {
      index_[gap] = index_[at];
      gap = at;
    }
  }
  index_[gap] = 0;
  live_[slot] = false;
  free_.push_back(slot);
  --used_;
}

std::optional<uint32_t> SlotTable::nextUsed(uint32_t slot) const {
  for (; slot < live_.size(); ++slot)
    if (live_[slot])
      return slot;
  return {};
}

void SlotTable::grow() {
  index_.assign(index_.size() * 2, 0);
  for (uint32_t slot = 0; slot < live_.size(); ++slot)
    if (live_[slot])
      index_[probe(key(slot))] = slot + 1;
}

} // namespace xdpc::vm
