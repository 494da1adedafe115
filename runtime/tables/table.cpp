// The table from user space. Stores are in the order that readers without locks rely on; the machine keeps it for
// atomics that release.
#include "runtime/tables/table.h"

#include <fmt/format.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sched.h>

namespace xdpc::tables {
namespace {

using engine::MapError;

std::atomic_ref<uint64_t> word(uint8_t* bytes) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(bytes));
}
std::atomic_ref<uint32_t> half(uint8_t* bytes) {
  return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(bytes));
}
std::atomic_ref<uint16_t> tag(uint8_t* bucket, unsigned place) {
  return std::atomic_ref<uint16_t>(
      *reinterpret_cast<uint16_t*>(bucket + abi::kTagsOffset + 2 * abi::tagPosition(place)));
}
std::atomic_ref<uint8_t> form(uint8_t* bucket, unsigned place) {
  return std::atomic_ref<uint8_t>(bucket[abi::kFormsOffset + place]);
}

Result<abi::Config, MapError> readConfig(const engine::Maps& maps, const abi::Manifest& manifest) {
  abi::Config config{};
  const auto index = abi::mapWithRole(manifest, abi::MapRole::config);
  if (!index)
    return config;
  if (auto done = maps.read(*index, 0, {reinterpret_cast<uint8_t*>(&config), sizeof config}); !done)
    return done.error();
  return config;
}

uint64_t monotonic() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now); // as programs judge how old a lock is
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

// Programs hold a lock for less than a microsecond. Of user space only one process writes: its lock, if there is one,
// was left behind by a command that was killed.
uint64_t takeLock(uint8_t* bucket) {
  auto lock = word(bucket + abi::kLockOffset);
  for (;;) {
    uint64_t held = lock.load();
    const uint64_t now = monotonic();
    const uint64_t mine = now << 2 | 3;
    const bool left_behind = (held & 3) == 3 && now - (held >> 2) > abi::kLockTaken;
    if ((held == 0 || left_behind) && lock.compare_exchange_strong(held, mine))
      return mine;
    sched_yield();
  }
}

} // namespace

uint64_t Rest::distance(uint64_t word) const {
  switch (kind_) {
  case Kind::set:
    return word > now_ ? word - now_ : 0;
  case Kind::meter:
    return word - now_ <= window_ + abi::kMeterSlack ? word - now_ : 0;
  case Kind::counter:
    return word;
  }
  return word;
}

uint64_t Rest::bounded(uint64_t word) const {
  const uint64_t ahead = word - now_;
  return kind_ == Kind::meter && ahead > window_ && static_cast<int64_t>(ahead) > 0 ? now_ + window_ : word;
}

// Both buckets of a key, the lower one first.
class Table::Locks {
public:
  Locks(const Table& table, const abi::Placement& at) {
    const auto [low, high] = std::minmax(at.buckets[0], at.buckets[1]);
    take(table.bucket(low));
    if (high != low)
      take(table.bucket(high));
  }
  Locks(const Locks&) = delete;
  ~Locks() {
    while (count_ > 0) {
      const Held& held = held_[--count_];
      uint64_t mine = held.value; // a program took it over if it took too long
      word(held.bucket + abi::kLockOffset).compare_exchange_strong(mine, 0);
    }
  }

private:
  struct Held {
    uint8_t* bucket;
    uint64_t value;
  };
  void take(uint8_t* bucket) {
    const uint64_t value = takeLock(bucket);
    held_[count_++] = {bucket, value};
  }
  Held held_[2];
  unsigned count_ = 0;
};

Result<uint64_t, MapError> seedOf(const engine::Maps& maps, const abi::Manifest& manifest) {
  const auto config = readConfig(maps, manifest);
  if (!config)
    return config.error();
  return config->hash_seed;
}

Result<Table, MapError> Table::open(const engine::Maps& maps, const abi::Manifest& manifest, uint32_t map,
                                    const abi::KeyType& key, unsigned columns) {
  const abi::Map& shape = manifest.maps.at(map);
  const auto layout = abi::tableLayout(key, columns);
  const std::span<uint8_t> memory = maps.memory(map);
  if (memory.size() < uint64_t{shape.max_entries} * layout.bucketBytes())
    return MapError{EINVAL, fmt::format("the map `{}` cannot be mapped", shape.name)};
  const auto config = readConfig(maps, manifest);
  if (!config)
    return config.error();
  abi::HashKeys keys;
  std::copy(std::begin(config->hash_keys), std::end(config->hash_keys), keys.begin());
  return Table(memory, key, layout, shape.max_entries, keys);
}

abi::Placement Table::placementOf(const abi::TableKey& key) const {
  return abi::placeKey(abi::hashKey(hash_keys_, key), buckets_);
}

abi::TableKey Table::keyAt(const Place& place) const {
  abi::TableKey key;
  key.form = form(place.bucket, place.number).load(std::memory_order_relaxed);
  uint8_t* bytes = place.bucket + layout_.keyOffset(place.number);
  if (layout_.key_stride == 4)
    key.words.push_back(half(bytes).load(std::memory_order_relaxed));
  else
    for (unsigned i = 0; i < layout_.key_words; ++i)
      key.words.push_back(word(bytes + 8 * i).load(std::memory_order_relaxed));
  return key;
}

Words Table::wordsAt(const Place& place) const {
  Words words{};
  for (unsigned column = 0; column < layout_.columns; ++column)
    words[column] = word(place.bucket + layout_.wordOffset(column, place.number)).load(std::memory_order_acquire);
  return words;
}

bool Table::holds(const Place& place, const abi::TableKey& key, uint16_t wanted) const {
  return tag(place.bucket, place.number).load(std::memory_order_acquire) == wanted && keyAt(place) == key;
}

std::optional<Table::Place> Table::place(const abi::TableKey& key, const abi::Placement& at) const {
  for (const uint32_t number : at.buckets)
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (const Place place{bucket(number), i}; holds(place, key, at.tag))
        return place;
  return std::nullopt;
}

std::optional<Words> Table::find(const abi::KeyValue& value) const {
  const auto key = abi::packKey(type_, value);
  const auto at = placementOf(key);
  for (;;) {
    const auto found = place(key, at);
    if (!found)
      return std::nullopt;
    const Words words = wordsAt(*found);
    // The same place still has the key, and so the words were the key's.
    if (holds(*found, key, at.tag) && (words[0] != abi::kBusy || layout_.columns == 2))
      return words;
  }
}

// Of the bucket with more of them.
std::optional<Table::Place> Table::unusedPlace(const abi::Placement& at) const {
  std::optional<Place> best;
  unsigned most = 0;
  for (const uint32_t number : at.buckets) {
    unsigned unused = 0, place = 0;
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (tag(bucket(number), i).load(std::memory_order_relaxed) == 0) {
        ++unused;
        place = i;
      }
    if (unused > most) {
      most = unused;
      best = Place{bucket(number), place};
    }
  }
  return best;
}

std::optional<Table::Place> Table::restingPlace(const abi::Placement& at, const Rest& rest) const {
  for (const uint32_t number : at.buckets)
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (const Place place{bucket(number), i}; rest.distance(wordsAt(place)[0]) == 0)
        return place;
  return std::nullopt;
}

// The place is ours: its word is kBusy, or no reader knows it yet.
void Table::fill(const Place& place, const abi::TableKey& key, uint16_t wanted, const Words& words) {
  uint8_t* bytes = place.bucket + layout_.keyOffset(place.number);
  if (layout_.key_stride == 4)
    half(bytes).store(static_cast<uint32_t>(key.words[0]), std::memory_order_release);
  else
    for (unsigned i = 0; i < layout_.key_words; ++i)
      word(bytes + 8 * i).store(key.words[i], std::memory_order_release);
  form(place.bucket, place.number).store(key.form, std::memory_order_release);
  for (unsigned column = 1; column < layout_.columns; ++column)
    word(place.bucket + layout_.wordOffset(column, place.number)).store(words[column], std::memory_order_release);
  auto first = word(place.bucket + layout_.wordOffset(0, place.number));
  if (layout_.columns == 2) // of a counter the tag says that it is there
    first.store(words[0], std::memory_order_release);
  tag(place.bucket, place.number).store(wanted, std::memory_order_release);
  first.store(words[0], std::memory_order_seq_cst);
}

void Table::merge(const Place& place, const Words& words, Merge how, const Rest& rest) {
  auto first = word(place.bucket + layout_.wordOffset(0, place.number));
  const bool sum = how == Merge::later && layout_.columns == 2;
  for (uint64_t old = first.load();;) {
    const bool keep = how == Merge::later && rest.distance(old) >= rest.distance(words[0]);
    const uint64_t next = sum ? old + words[0] : keep ? old : words[0];
    if (first.compare_exchange_weak(old, next))
      break;
  }
  for (unsigned column = 1; column < layout_.columns; ++column) {
    auto other = word(place.bucket + layout_.wordOffset(column, place.number));
    if (how == Merge::later)
      other.fetch_add(words[column]);
  }
}

Placed Table::put(const abi::KeyValue& value, const Words& words, Merge how, const Rest& rest) {
  const auto key = abi::packKey(type_, value);
  const auto at = placementOf(key);
  const Locks locks(*this, at);
  if (const auto found = place(key, at)) {
    merge(*found, words, how, rest);
    return Placed::merged;
  }
  if (const auto unused = unusedPlace(at)) {
    fill(*unused, key, at.tag, words);
    return Placed::inserted;
  }
  while (const auto resting = restingPlace(at, rest)) {
    auto first = word(resting->bucket + layout_.wordOffset(0, resting->number));
    uint64_t old = first.load();
    // Its own key may have come back at this very moment.
    if (rest.distance(old) != 0 || !first.compare_exchange_strong(old, abi::kBusy))
      continue;
    fill(*resting, key, at.tag, words);
    return Placed::inserted;
  }
  return Placed::full;
}

void Table::makeUnused(const Place& place) {
  for (unsigned column = 0; column < layout_.columns; ++column)
    word(place.bucket + layout_.wordOffset(column, place.number)).store(0);
  tag(place.bucket, place.number).store(0, std::memory_order_release);
}

bool Table::evictFor(const abi::KeyValue& value, const Rest& rest, uint64_t bound) {
  const auto at = placementOf(abi::packKey(type_, value));
  const Locks locks(*this, at);
  std::optional<Place> nearest;
  for (const uint32_t number : at.buckets)
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (const Place place{bucket(number), i}; rest.distance(wordsAt(place)[0]) < bound) {
        bound = rest.distance(wordsAt(place)[0]);
        nearest = place;
      }
  if (nearest)
    makeUnused(*nearest);
  return nearest.has_value();
}

bool Table::erase(const abi::KeyValue& value) {
  const auto key = abi::packKey(type_, value);
  const auto at = placementOf(key);
  const Locks locks(*this, at);
  const auto found = place(key, at);
  if (found)
    makeUnused(*found);
  return found.has_value();
}

void Table::forEach(const std::function<void(const abi::KeyValue&, const Words&)>& visit) const {
  for (uint32_t number = 0; number < buckets_; ++number)
    for (unsigned i = 0; i < abi::kWays; ++i) {
      const Place place{bucket(number), i};
      for (;;) {
        const uint16_t before = tag(place.bucket, i).load(std::memory_order_acquire);
        const Words words = wordsAt(place);
        const auto key = keyAt(place);
        if (before == 0 || (layout_.columns != 2 && words[0] == abi::kBusy))
          break;
        // The word again: a place that changes hands has another one, at least for a while.
        const uint64_t again = wordsAt(place)[0];
        if (tag(place.bucket, i).load(std::memory_order_acquire) == before &&
            (layout_.columns == 2 || again == words[0])) {
          visit(abi::unpackKey(type_, key), words);
          break;
        }
      }
    }
}

size_t Table::count() const {
  size_t taken = 0;
  for (uint32_t number = 0; number < buckets_; ++number)
    for (unsigned i = 0; i < abi::kWays; ++i)
      taken += tag(bucket(number), i).load(std::memory_order_relaxed) != 0;
  return taken;
}

size_t Table::count(const Rest& rest) const {
  size_t live = 0;
  for (uint32_t number = 0; number < buckets_; ++number)
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (const Place place{bucket(number), i}; tag(place.bucket, i).load(std::memory_order_acquire) != 0) {
        const uint64_t first = word(place.bucket + layout_.wordOffset(0, i)).load(std::memory_order_relaxed);
        live += first != abi::kBusy && rest.distance(first) != 0;
      }
  return live;
}

void Table::clear() {
  for (uint32_t number = 0; number < buckets_; ++number) {
    const Locks locks(*this, {{number, number}, 0});
    for (unsigned i = 0; i < abi::kWays; ++i)
      if (const Place place{bucket(number), i}; tag(place.bucket, i).load() != 0)
        makeUnused(place);
  }
}

size_t Table::eraseResting(const Rest& rest) {
  size_t erased = 0;
  for (uint32_t number = 0; number < buckets_; ++number) {
    const Locks locks(*this, {{number, number}, 0});
    for (unsigned i = 0; i < abi::kWays; ++i) {
      const Place place{bucket(number), i};
      if (tag(place.bucket, i).load() == 0)
        continue;
      auto first = word(place.bucket + layout_.wordOffset(0, i));
      uint64_t old = first.load();
      if (rest.distance(old) != 0 || !first.compare_exchange_strong(old, abi::kBusy))
        continue;
      makeUnused(place);
      ++erased;
    }
  }
  return erased;
}

} // namespace xdpc::tables
