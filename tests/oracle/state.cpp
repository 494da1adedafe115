// Sets, meters and counts of the oracle.
#include "tests/oracle/state.h"

#include <algorithm>

namespace xdpc::oracle {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

bool sameBits(const abi::Address& a, const abi::Address& b, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i)
    if ((a.bytes[i / 8] ^ b.bytes[i / 8]) >> (7 - i % 8) & 1)
      return false;
  return a.family == b.family;
}

bool partCovers(const abi::KeyPart& element, const abi::KeyPart& key) {
  const auto *outer = std::get_if<abi::Prefix>(&element), *inner = std::get_if<abi::Prefix>(&key);
  if (!outer || !inner)
    return element == key;
  return outer->length <= inner->length && sameBits(outer->address, inner->address, outer->length);
}

// How many keys of those that programs keep there is room for.
size_t placesFor(uint32_t capacity) {
  return capacity <= 16 ? 16 : capacity <= 32 ? 32 : SIZE_MAX;
}

bool isLive(uint64_t end_ns, uint64_t now_ns) {
  return end_ns == abi::kNever || now_ns < end_ns;
}

} // namespace

SetState::SetState(const ir::Set& set) : set_(&set) {
  for (const abi::KeyValue& element : set.initial)
    ends_[element] = abi::kNever;
}

void SetState::add(const abi::KeyValue& key, uint64_t end_ns, uint64_t now_ns) {
  const auto known = ends_.find(key);
  if (known == ends_.end() || !isLive(known->second, now_ns)) {
    if (!findPlace(now_ns)) {
      ++refused_;
      return;
    }
    ends_.erase(key);
  }
  uint64_t& end = ends_[key];
  end = std::max(end, end_ns);
}

// Prefixes of lengths that no rule adds are kept elsewhere.
bool SetState::isCounted(const abi::KeyValue& key) const {
  const auto part = abi::prefixPart(set_->key);
  if (!part || set_->count || std::ranges::count_if(set_->key.parts, abi::isPrefix) > 1)
    return true;
  const auto& prefix = std::get<abi::Prefix>(key[*part]);
  return std::ranges::count(set_->added_lengths, abi::PrefixLength{prefix.address.family, prefix.length}) > 0;
}

bool SetState::findPlace(uint64_t now_ns) {
  constexpr uint64_t as_good_as_equal = 4; // ns
  std::vector<std::pair<uint64_t, abi::KeyValue>> kept;
  for (const auto& [key, end] : ends_)
    if (isLive(end, now_ns) && isCounted(key))
      kept.emplace_back(end, key);
  if (kept.size() < placesFor(set_->capacity))
    return true;
  if (set_->refuse_when_full)
    return false;
  std::ranges::sort(kept);
  if (kept[1].first - kept[0].first < as_good_as_equal)
    throw Tie();
  ends_.erase(kept[0].second);
  return true;
}

bool SetState::covers(const abi::KeyValue& key, uint64_t now_ns) const {
  return std::ranges::any_of(ends_, [&](const auto& element) {
    return isLive(element.second, now_ns) && std::ranges::equal(element.first, key, partCovers);
  });
}

std::vector<abi::KeyValue> SetState::live(uint64_t now_ns) const {
  std::vector<abi::KeyValue> keys;
  for (const auto& [key, end] : ends_)
    if (isLive(end, now_ns))
      keys.push_back(key);
  return keys;
}

bool MeterState::conforms(const abi::KeyValue& key, uint64_t length, uint64_t now_ns) {
  const ir::u128 cost = ir::u128{meter_->bits ? 8 * length : 1} * kSecond;
  if (cost > full())
    return false;
  if (const auto known = buckets_.find(key); known == buckets_.end() || tokensAt(known->second, now_ns) == full()) {
    if (!findPlace(now_ns)) {
      ++refused_;
      return meter_->when_full == ir::WhenFull::pass;
    }
    buckets_[key] = {full(), now_ns};
  }
  Bucket& bucket = buckets_.at(key);
  bucket.tokens = tokensAt(bucket, now_ns);
  bucket.filled_ns = now_ns;
  if (bucket.tokens < cost)
    return false;
  bucket.tokens -= cost;
  return true;
}

ir::u128 MeterState::full() const {
  return ir::u128{meter_->burst} * (meter_->bits ? 8 : 1) * kSecond;
}

ir::u128 MeterState::tokensAt(const Bucket& bucket, uint64_t now_ns) const {
  return std::min(full(), bucket.tokens + ir::u128{meter_->rate} * (now_ns - bucket.filled_ns));
}

// A bucket that is full again has given its place away.
bool MeterState::findPlace(uint64_t now_ns) {
  std::vector<std::pair<ir::u128, abi::KeyValue>> kept; // by what is missing
  for (const auto& [key, bucket] : buckets_)
    if (const ir::u128 tokens = tokensAt(bucket, now_ns); tokens < full())
      kept.emplace_back(full() - tokens, key);
  if (meter_->key.empty() || kept.size() < placesFor(meter_->capacity))
    return true;
  if (meter_->when_full != ir::WhenFull::evict)
    return false;
  std::ranges::sort(kept);
  if (kept[1].first == kept[0].first)
    throw Tie();
  buckets_.erase(kept[0].second);
  return true;
}

void KeyedCount::add(const ir::Counter& counter, const abi::KeyValue& key, uint64_t length) {
  if (keys.contains(key) || keys.size() < placesFor(counter.capacity))
    keys[key].add(length);
  else
    other.add(length);
}

} // namespace xdpc::oracle
