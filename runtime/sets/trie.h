// The part of a set that lies in the kernel's LPM trie, which only user space writes: that of tuples with a prefix. A
// program takes the longest match alone, so that each element says how long it or any element that covers it is live:
// an expired /24 must not hide a live /16.
#pragma once

#include "runtime/sets/part.h"

#include <array>
#include <map>

namespace xdpc::sets {

class TriePart : public PrefixPart {
public:
  // Reads the trie; the object then mirrors it.
  static Result<TriePart, SetError> open(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set);

  size_t count() const override { return nodes_.size(); }
  std::optional<uint64_t> ownExpiry(const abi::KeyValue& key) const override;
  Result<Done, SetError> put(const abi::KeyValue& key, uint64_t own_ns) override;
  Result<bool, SetError> erase(const abi::KeyValue& key) override;
  Result<size_t, SetError> eraseDead(uint64_t now_ns) override;
  Result<Done, SetError> clear() override;
  Result<Done, SetError> replace(std::span<const Element> elements) override;

private:
  struct Node {
    abi::KeyValue key;
    abi::TrieElement element;
  };
  // Sorted so that what an element covers stands right behind it: other parts, family, address, length.
  using Nodes = std::map<std::string, Node>;

  TriePart(engine::Maps& maps, const abi::Set& set) : maps_(maps), set_(set) {}
  const abi::Prefix& prefixOf(const abi::KeyValue& key) const;
  std::string sortKey(const abi::KeyValue& key, const abi::Prefix& prefix) const;
  unsigned& lengthCount(const abi::Prefix& prefix);
  // The latest end of the elements that cover the key, itself left out; 0 without any.
  uint64_t inherited(const abi::KeyValue& key) const;
  Result<Done, engine::MapError> write(Node& node, abi::TrieElement element);
  Result<Done, engine::MapError> refreshCovered(const abi::KeyValue& key);
  Result<Done, engine::MapError> announce(size_t count);

  engine::Maps& maps_;
  const abi::Set& set_;
  std::optional<uint32_t> control_;
  Nodes nodes_;
  std::array<std::array<unsigned, 129>, 2> lengths_{}; // elements of a family and length
};

// All elements with their own ends, dead ones too.
Result<std::vector<Element>, SetError> trieElements(const engine::Maps& maps, const abi::Set& set);

} // namespace xdpc::sets
