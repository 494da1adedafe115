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

} // namespace

SetState::SetState(const ir::Set& set) {
  for (const abi::KeyValue& element : set.initial)
    ends_[element] = abi::kNever;
}

void SetState::add(const abi::KeyValue& key, uint64_t end_ns) {
  uint64_t& end = ends_[key];
  end = std::max(end, end_ns);
}

bool SetState::covers(const abi::KeyValue& key, uint64_t now_ns) const {
  return std::ranges::any_of(ends_, [&](const auto& element) {
    return (element.second == abi::kNever || now_ns < element.second) &&
           std::ranges::equal(element.first, key, partCovers);
  });
}

std::vector<abi::KeyValue> SetState::live(uint64_t now_ns) const {
  std::vector<abi::KeyValue> keys;
  for (const auto& [key, end] : ends_)
    if (end == abi::kNever || now_ns < end)
      keys.push_back(key);
  return keys;
}

bool MeterState::conforms(const abi::KeyValue& key, uint64_t length, uint64_t now_ns) {
  const ir::u128 full = ir::u128{meter_->burst} * (meter_->bits ? 8 : 1) * kSecond;
  const ir::u128 cost = ir::u128{meter_->bits ? 8 * length : 1} * kSecond;
  Bucket& bucket = buckets_.try_emplace(key, Bucket{full, now_ns}).first->second;
  bucket.tokens = std::min(full, bucket.tokens + ir::u128{meter_->rate} * (now_ns - bucket.filled_ns));
  bucket.filled_ns = now_ns;
  if (bucket.tokens < cost)
    return false;
  bucket.tokens -= cost;
  return true;
}

} // namespace xdpc::oracle
