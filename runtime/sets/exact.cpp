// The exact part. Tested by tests/unit/state/sets_test.cpp.
#include "runtime/sets/exact.h"

#include "runtime/engine/scan.h"
#include "runtime/sets/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpc::sets {
namespace {

uint64_t expiryOf(const abi::Bytes& value) {
  abi::ExactElement element{};
  std::memcpy(&element, value.data(), std::min(sizeof element, value.size()));
  return element.expires_ns;
}

} // namespace

bool ExactPart::takes(const abi::Set& set, const abi::KeyValue& key) {
  if (!set.trie_map)
    return true;
  if (!set.exact_map)
    return false;
  const auto& prefix = std::get<abi::Prefix>(key[*abi::prefixPart(set.key)]);
  const abi::PrefixLength length{prefix.address.family, prefix.length};
  return std::find(set.exact_lengths.begin(), set.exact_lengths.end(), length) != set.exact_lengths.end();
}

Result<std::optional<uint64_t>, SetError> ExactPart::expiry(const abi::KeyValue& key) const {
  const auto value = maps_.lookup(*set_.exact_map, abi::encodeKey(set_.key, key));
  if (!value)
    return machineError(value.error());
  return *value ? std::optional(expiryOf(**value)) : std::nullopt;
}

Result<Done, engine::MapError> ExactPart::put(const abi::KeyValue& key, uint64_t expires_ns) {
  const abi::ExactElement element{expires_ns};
  uint8_t bytes[sizeof element];
  std::memcpy(bytes, &element, sizeof bytes);
  return maps_.update(*set_.exact_map, abi::encodeKey(set_.key, key), bytes, engine::Update::any);
}

Result<bool, SetError> ExactPart::erase(const abi::KeyValue& key) {
  const auto done = maps_.erase(*set_.exact_map, abi::encodeKey(set_.key, key));
  if (!done && done.error().code != ENOENT)
    return machineError(done.error());
  return done.ok();
}

Result<size_t, SetError> ExactPart::count() const {
  const auto keys = engine::keys(maps_, *set_.exact_map);
  if (!keys)
    return machineError(keys.error());
  return keys->size();
}

Result<size_t, SetError> ExactPart::eraseDead(uint64_t now_ns) {
  const auto keys = engine::keys(maps_, *set_.exact_map);
  if (!keys)
    return machineError(keys.error());
  size_t erased = 0;
  for (const abi::Bytes& key : *keys) {
    // Looked at right before: a program may have given the element a new time since the scan.
    const auto value = maps_.lookup(*set_.exact_map, key);
    if (!value)
      return machineError(value.error());
    if (!*value || expiryOf(**value) > now_ns)
      continue;
    const auto done = maps_.erase(*set_.exact_map, key);
    if (!done && done.error().code != ENOENT)
      return machineError(done.error());
    ++erased;
  }
  return erased;
}

Result<std::vector<Element>, SetError> exactElements(const engine::Maps& maps, const abi::Set& set) {
  const auto keys = engine::keys(maps, *set.exact_map);
  if (!keys)
    return machineError(keys.error());
  std::vector<Element> elements;
  for (const abi::Bytes& key : *keys) {
    const auto value = maps.lookup(*set.exact_map, key);
    if (!value)
      return machineError(value.error());
    if (*value) // it may have gone since the scan
      elements.push_back({abi::decodeKey(set.key, key), expiryOf(**value)});
  }
  return elements;
}

} // namespace xdpc::sets
