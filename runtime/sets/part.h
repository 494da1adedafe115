// The part of a set of prefixes that only user space writes: a trie of ours, or of the kernel for tuples and for
// policies that an older xdpc attached.
#pragma once

#include "runtime/sets/sets.h"

#include <memory>

namespace xdpc::sets {

class PrefixPart {
public:
  virtual ~PrefixPart() = default;
  virtual size_t count() const = 0; // dead ones too
  virtual std::optional<uint64_t> ownExpiry(const abi::KeyValue& key) const = 0;
  virtual Result<Done, SetError> put(const abi::KeyValue& key, uint64_t own_ns) = 0;
  virtual Result<bool, SetError> erase(const abi::KeyValue& key) = 0; // false if it was not there
  virtual Result<size_t, SetError> eraseDead(uint64_t now_ns) = 0;    // number of elements taken out
  virtual Result<Done, SetError> clear() = 0;
  // These elements instead of all, sorted by key, none twice; where it fails, nothing has changed.
  virtual Result<Done, SetError> replace(std::span<const Element> elements) = 0;
};

// For changes. What a command left half done is put right first.
Result<std::unique_ptr<PrefixPart>, SetError> openPrefixes(engine::Maps& maps, const abi::Manifest& manifest,
                                                           const abi::Set& set);
// All elements with their own ends, dead ones too.
Result<std::vector<Element>, SetError> prefixElements(const engine::Maps& maps, const abi::Manifest& manifest,
                                                      const abi::Set& set);
// How many of them are live.
Result<size_t, SetError> countLivePrefixes(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                                           uint64_t now_ns);
// Asked as a program asks.
Result<bool, SetError> hasPrefix(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set,
                                 const abi::KeyValue& key, uint64_t now_ns);

} // namespace xdpc::sets
