// The treap. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/sets/prefix_tree.h"

#include <algorithm>
#include <tuple>

namespace xdpc::sets {
namespace {

uint32_t priority(uint32_t element) {
  uint64_t hash = element * 0x9e37'79b9'7f4a'7c15;
  hash = (hash ^ hash >> 32) * 0xd6e8'feb8'6659'fd93;
  return static_cast<uint32_t>(hash >> 32);
}

uint64_t maskOf(unsigned bits) {
  return bits == 0 ? 0 : bits >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - bits);
}

} // namespace

uint64_t PrefixKey::mask(unsigned word) const {
  return maskOf(word == 0 ? length : length > 64 ? length - 64u : 0);
}

bool PrefixKey::covers(const PrefixKey& other) const {
  return family == other.family && length <= other.length && ((address[0] ^ other.address[0]) & mask(0)) == 0 &&
         ((address[1] ^ other.address[1]) & mask(1)) == 0;
}

PrefixKey PrefixKey::cut(uint8_t to) const {
  PrefixKey key = *this;
  key.length = to;
  key.address[0] &= key.mask(0);
  key.address[1] &= key.mask(1);
  return key;
}

PrefixKey prefixKey(const abi::KeyValue& value) {
  const auto& prefix = std::get<abi::Prefix>(value[0]);
  PrefixKey key{prefix.address.family, prefix.length, {}};
  for (unsigned i = 0; i < 16; ++i)
    key.address[i / 8] |= uint64_t{prefix.address.bytes[i]} << (56 - i % 8 * 8);
  return key;
}

PrefixKey prefixKey(const abi::PrefixElement& element) {
  return {element.family == 4 ? abi::Family::v4 : abi::Family::v6,
          element.length,
          {element.address[0], element.address[1]}};
}

abi::KeyValue keyValue(const PrefixKey& key) {
  abi::Prefix prefix{{key.family, {}}, key.length};
  for (unsigned i = 0; i < abi::addressBits(key.family) / 8; ++i)
    prefix.address.bytes[i] = static_cast<uint8_t>(key.address[i / 8] >> (56 - i % 8 * 8));
  return {prefix};
}

bool operator<(const PrefixKey& a, const PrefixKey& b) {
  const auto order = [](const PrefixKey& key) {
    return std::tuple(key.family == abi::Family::v6, key.address[0], key.address[1], key.length);
  };
  return order(a) < order(b);
}

uint32_t PrefixTree::find(const PrefixKey& key) const {
  for (uint32_t node = tree_->root; node;) {
    const PrefixKey here = prefixKey(at(node));
    if (here < key)
      node = at(node).right;
    else if (key < here)
      node = at(node).left;
    else
      return node;
  }
  return 0;
}

uint32_t PrefixTree::covering(const PrefixKey& key, abi::ElementPlace place) const {
  for (unsigned length = key.length; length-- > 0;) {
    const PrefixKey shorter = key.cut(static_cast<uint8_t>(length));
    if (lengthCount(shorter) == 0)
      continue;
    if (const uint32_t found = find(shorter); found && placeOf(at(found)) == place)
      return found;
  }
  return 0;
}

uint32_t PrefixTree::merge(uint32_t left, uint32_t right) {
  if (!left || !right)
    return left ? left : right;
  if (priority(left) > priority(right)) {
    at(left).right = merge(at(left).right, right);
    return left;
  }
  at(right).left = merge(left, at(right).left);
  return right;
}

std::pair<uint32_t, uint32_t> PrefixTree::split(uint32_t node, const PrefixKey& key) {
  if (!node)
    return {0, 0};
  if (prefixKey(at(node)) < key) {
    const auto [left, right] = split(at(node).right, key);
    at(node).right = left;
    return {node, right};
  }
  const auto [left, right] = split(at(node).left, key);
  at(node).left = right;
  return {left, node};
}

void PrefixTree::insert(uint32_t element) {
  const PrefixKey key = prefixKey(at(element));
  const auto [left, right] = split(tree_->root, key);
  at(element).left = at(element).right = 0;
  tree_->root = merge(merge(left, element), right);
  ++tree_->count;
  ++lengthCount(key);
}

uint32_t PrefixTree::without(uint32_t node, const PrefixKey& key) {
  const PrefixKey here = prefixKey(at(node));
  if (here < key)
    at(node).right = without(at(node).right, key);
  else if (key < here)
    at(node).left = without(at(node).left, key);
  else
    return merge(at(node).left, at(node).right);
  return node;
}

void PrefixTree::erase(uint32_t element) {
  const PrefixKey key = prefixKey(at(element));
  tree_->root = without(tree_->root, key);
  --tree_->count;
  --lengthCount(key);
}

// The way down to the right is kept; each takes over what has a lower priority.
void PrefixTree::assign(const std::vector<uint32_t>& elements) {
  *tree_ = {};
  std::vector<uint32_t> way;
  for (uint32_t element : elements) {
    uint32_t below = 0;
    while (!way.empty() && priority(way.back()) < priority(element)) {
      below = way.back();
      way.pop_back();
    }
    at(element).left = below;
    at(element).right = 0;
    if (!way.empty())
      at(way.back()).right = element;
    way.push_back(element);
    ++lengthCount(prefixKey(at(element)));
  }
  tree_->root = way.empty() ? 0 : way.front();
  tree_->count = static_cast<uint32_t>(elements.size());
}

} // namespace xdpc::sets
