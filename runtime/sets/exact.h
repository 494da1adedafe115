// The exact part of a set: a hash whose elements programs read, add and remove at the same time.
#pragma once

#include "runtime/sets/sets.h"

namespace xdpc::sets {

class ExactPart {
public:
  ExactPart(engine::Maps& maps, const abi::Set& set) : maps_(maps), set_(set) {}

  // An element of this key lies in the exact part.
  static bool takes(const abi::Set& set, const abi::KeyValue& key);

  Result<std::optional<uint64_t>, SetError> expiry(const abi::KeyValue& key) const;
  Result<Done, engine::MapError> put(const abi::KeyValue& key, uint64_t expires_ns);
  // False if it was not there.
  Result<bool, SetError> erase(const abi::KeyValue& key);
  // Number of elements, dead ones too.
  Result<size_t, SetError> count() const;
  // Number of elements taken out.
  Result<size_t, SetError> eraseDead(uint64_t now_ns);

private:
  engine::Maps& maps_;
  const abi::Set& set_;
};

// All elements, dead ones too.
Result<std::vector<Element>, SetError> exactElements(const engine::Maps& maps, const abi::Set& set);

} // namespace xdpc::sets
