// The trie part. Tested by tests/unit/state/trie_test.cpp against a plain list of elements.
#include "runtime/sets/trie.h"

#include "runtime/engine/scan.h"
#include "runtime/sets/error.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace xdpc::sets {
namespace {

struct Stored {
  abi::KeyValue key;
  abi::TrieElement element;
};

Result<std::vector<Stored>, SetError> readAll(const engine::Maps& maps, const abi::Set& set) {
  const auto keys = engine::keys(maps, *set.trie_map);
  if (!keys)
    return machineError(keys.error());
  std::vector<Stored> all;
  for (const abi::Bytes& key : *keys) {
    // The longest match of an element's own key is that element.
    const auto value = maps.lookup(*set.trie_map, key);
    if (!value)
      return machineError(value.error());
    if (!*value || (*value)->size() < sizeof(abi::TrieElement))
      continue;
    Stored& stored = all.emplace_back(Stored{abi::decodeTrieKey(set.key, key), {}});
    std::memcpy(&stored.element, (*value)->data(), sizeof stored.element);
  }
  return all;
}

} // namespace

Result<TriePart, SetError> TriePart::open(engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set) {
  TriePart part(maps, set);
  part.control_ = abi::mapWithRole(manifest, abi::MapRole::control);
  auto all = readAll(maps, set);
  if (!all)
    return all.error();
  for (Stored& stored : *all) {
    const std::string at = part.sortKey(stored.key, part.prefixOf(stored.key));
    ++part.lengthCount(part.prefixOf(stored.key));
    part.nodes_[at] = {std::move(stored.key), stored.element};
  }
  return part;
}

const abi::Prefix& TriePart::prefixOf(const abi::KeyValue& key) const {
  return std::get<abi::Prefix>(key[*abi::prefixPart(set_.key)]);
}

std::string TriePart::sortKey(const abi::KeyValue& key, const abi::Prefix& prefix) const {
  abi::KeyType others = set_.key;
  abi::KeyValue values = key;
  const unsigned part = *abi::prefixPart(set_.key);
  others.parts.erase(others.parts.begin() + part);
  values.erase(values.begin() + part);
  const abi::Bytes bytes = abi::encodeKey(others, values);
  std::string sort(bytes.begin(), bytes.end());
  sort += static_cast<char>(prefix.address.family);
  sort.append(reinterpret_cast<const char*>(prefix.address.bytes.data()), prefix.address.bytes.size());
  return sort += static_cast<char>(prefix.length);
}

unsigned& TriePart::lengthCount(const abi::Prefix& prefix) {
  return lengths_[prefix.address.family == abi::Family::v6][prefix.length];
}

std::optional<uint64_t> TriePart::ownExpiry(const abi::KeyValue& key) const {
  const auto found = nodes_.find(sortKey(key, prefixOf(key)));
  return found == nodes_.end() ? std::nullopt : std::optional(found->second.element.own_ns);
}

uint64_t TriePart::inherited(const abi::KeyValue& key) const {
  const abi::Prefix& prefix = prefixOf(key);
  const auto& lengths = lengths_[prefix.address.family == abi::Family::v6];
  std::string at = sortKey(key, prefix);
  const size_t address = at.size() - 1 - prefix.address.bytes.size();
  // The longest one that covers it already says so for all that are shorter.
  for (unsigned length = prefix.length; length-- > 0;) {
    at[address + length / 8] = static_cast<char>(at[address + length / 8] & ~(0x80 >> length % 8));
    at.back() = static_cast<char>(length);
    if (lengths[length] == 0)
      continue;
    if (const auto found = nodes_.find(at); found != nodes_.end())
      return found->second.element.expires_ns;
  }
  return 0;
}

Result<Done, engine::MapError> TriePart::write(Node& node, abi::TrieElement element) {
  uint8_t bytes[sizeof element];
  std::memcpy(bytes, &element, sizeof bytes);
  auto done = maps_.update(*set_.trie_map, abi::encodeTrieKey(set_.key, node.key), bytes, engine::Update::any);
  if (done)
    node.element = element;
  return done;
}

// Shorter ones first: each takes over what the one above it says.
Result<Done, engine::MapError> TriePart::refreshCovered(const abi::KeyValue& key) {
  for (auto at = nodes_.upper_bound(sortKey(key, prefixOf(key)));
       at != nodes_.end() && abi::covers(set_.key, key, at->second.key); ++at) {
    Node& node = at->second;
    const uint64_t expires = std::max(node.element.own_ns, inherited(node.key));
    if (expires == node.element.expires_ns)
      continue;
    if (auto done = write(node, {expires, node.element.own_ns}); !done)
      return done;
  }
  return Done{};
}

// The program walks the trie only while this is not zero.
Result<Done, engine::MapError> TriePart::announce(size_t count) {
  if (!control_)
    return Done{};
  const auto elements = static_cast<uint32_t>(count);
  uint8_t bytes[sizeof elements];
  std::memcpy(bytes, &elements, sizeof bytes);
  const auto offset = static_cast<uint32_t>(offsetof(abi::Control, trie_elements) + sizeof elements * set_.index);
  return maps_.write(*control_, offset, bytes);
}

Result<Done, SetError> TriePart::put(const abi::KeyValue& key, uint64_t own_ns) {
  const std::string at = sortKey(key, prefixOf(key));
  const auto [node, fresh] = nodes_.try_emplace(at, Node{key, {0, 0}});
  if (fresh)
    ++lengthCount(prefixOf(key));
  auto done = fresh ? announce(nodes_.size()) : Done{};
  if (done)
    done = write(node->second, {std::max(own_ns, inherited(key)), own_ns});
  if (done) {
    auto refreshed = refreshCovered(key);
    return refreshed ? Result<Done, SetError>(Done{}) : machineError(refreshed.error());
  }
  if (fresh) {
    --lengthCount(prefixOf(key));
    nodes_.erase(node);
    (void)announce(nodes_.size()); // too many is harmless, and the first failure is the one to tell
  }
  return machineError(done.error());
}

Result<bool, SetError> TriePart::erase(const abi::KeyValue& key) {
  const auto found = nodes_.find(sortKey(key, prefixOf(key)));
  if (found == nodes_.end())
    return false;
  const auto done = maps_.erase(*set_.trie_map, abi::encodeTrieKey(set_.key, key));
  if (!done && done.error().code != ENOENT)
    return machineError(done.error());
  --lengthCount(prefixOf(key));
  nodes_.erase(found);
  if (auto refreshed = refreshCovered(key); !refreshed)
    return machineError(refreshed.error());
  if (auto announced = announce(nodes_.size()); !announced)
    return machineError(announced.error());
  return true;
}

Result<size_t, SetError> TriePart::eraseDead(uint64_t now_ns) {
  std::vector<abi::KeyValue> dead;
  for (const auto& [at, node] : nodes_)
    if (node.element.own_ns <= now_ns)
      dead.push_back(node.key);
  for (const abi::KeyValue& key : dead)
    if (auto erased = erase(key); !erased)
      return erased.error();
  return dead.size();
}

Result<Done, SetError> TriePart::clear() {
  // From behind: what is covered goes before what covers it, and nothing has to be refreshed.
  while (!nodes_.empty())
    if (auto erased = erase(abi::KeyValue(nodes_.rbegin()->second.key)); !erased)
      return erased.error();
  return Done{};
}

// One after the other, the new ones first: what is in both stays in.
Result<Done, SetError> TriePart::replace(std::span<const Element> elements) {
  std::vector<std::string> wanted;
  for (const Element& element : elements) {
    if (auto done = put(element.key, element.expires_ns); !done)
      return done;
    wanted.push_back(sortKey(element.key, prefixOf(element.key)));
  }
  std::ranges::sort(wanted);
  std::vector<abi::KeyValue> gone;
  for (const auto& [at, node] : nodes_)
    if (!std::ranges::binary_search(wanted, at))
      gone.push_back(node.key);
  for (const abi::KeyValue& key : gone)
    if (auto erased = erase(key); !erased)
      return erased.error();
  return Done{};
}

Result<std::vector<Element>, SetError> trieElements(const engine::Maps& maps, const abi::Set& set) {
  auto all = readAll(maps, set);
  if (!all)
    return all.error();
  std::vector<Element> elements;
  for (Stored& stored : *all)
    elements.push_back({std::move(stored.key), stored.element.own_ns});
  return elements;
}

} // namespace xdpc::sets
