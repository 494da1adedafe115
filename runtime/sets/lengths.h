// The list of lengths beside a set's table: runtime/abi/length_list.h. Private to runtime/sets.
#pragma once

#include "runtime/abi/length_list.h"
#include "runtime/sets/exact.h"

namespace xdpc::sets {

class LengthList {
public:
  // `set` has such a list.
  static Result<LengthList, SetError> open(const engine::Maps& maps, const abi::Set& set);

  // From now on programs look for elements of the key's lengths. `part` has those that are there: where the list is
  // full, lengths that no element has make room.
  Result<Done, SetError> admit(const abi::KeyValue& key, const ExactPart& part);

  // Those that programs look for, with the policy's own.
  std::vector<std::vector<abi::PrefixLength>> all() const;

private:
  LengthList(const engine::Maps& maps, const abi::Set& set) : maps_(&maps), set_(&set) {}

  uint64_t* entry(uint32_t number) const;
  uint32_t count() const;
  bool knows(const abi::LengthEntry& wanted) const;
  Result<std::optional<uint32_t>, SetError> freeEntry(const ExactPart& part);

  const engine::Maps* maps_;
  const abi::Set* set_;
  std::span<uint8_t> memory_;
  abi::LengthLayout layout_;
  std::vector<std::vector<abi::PrefixLength>> own_; // of the policy's own `add` and `remove`
};

} // namespace xdpc::sets
