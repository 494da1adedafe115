// A prefix trie of our own as part of a set (runtime/abi/prefix_trie.h). Every change is one that packets see at once
// for each address, and `replace` one that they see at once. Tested by tests/unit/state/prefix_trie_test.cpp.
#pragma once

#include "runtime/sets/part.h"
#include "runtime/sets/prefix_build.h"

namespace xdpc::sets {

class PrefixTrie : public PrefixPart {
public:
  static Result<std::unique_ptr<PrefixTrie>, SetError> open(const engine::Maps& maps, const abi::Manifest& manifest,
                                                            const abi::Set& set);

  size_t count() const override { return tree().count(); }
  std::optional<uint64_t> ownExpiry(const abi::KeyValue& key) const override;
  Result<Done, SetError> put(const abi::KeyValue& key, uint64_t own_ns) override;
  Result<bool, SetError> erase(const abi::KeyValue& key) override;
  Result<size_t, SetError> eraseDead(uint64_t now_ns) override;
  Result<Done, SetError> clear() override;
  Result<Done, SetError> replace(std::span<const Element> elements) override;

private:
  class Change;

  PrefixTrie(PrefixMemory memory, std::string name) : memory_(memory), name_(std::move(name)) {}
  PrefixTree tree() const { return {const_cast<PrefixMemory&>(memory_), memory_.head().generation}; }
  Result<Done, SetError> recover();
  Result<Done, SetError> sweep(uint32_t generation);
  // Publishes what follows from a change at the key; false if there is no room for it.
  Result<bool, SetError> rebuild(const PrefixKey& key);
  // In the area that is not in use, from which programs read from then on; false if there is no room for it.
  bool rebuildAll(uint32_t generation);
  uint32_t areaInUse(); // made where there is none
  uint32_t& inTrie(uint32_t area, abi::Family family) { return memory_.counts(area).trie[family == abi::Family::v6]; }
  Result<Done, SetError> insert(const PrefixKey& key, uint64_t own_ns);
  Result<Done, SetError> prolong(const PrefixKey& key, uint32_t element, uint64_t own_ns);
  uint32_t fill(const PrefixKey& key, uint64_t own_ns);
  // What covered elements of the trie take over. True if one began or ceased to have an end.
  bool refresh(const PrefixTree& tree, const PrefixKey& key);
  SetError noRoom() const;

  PrefixMemory memory_;
  std::string name_;
};

} // namespace xdpc::sets
