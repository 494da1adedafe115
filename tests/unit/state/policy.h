// Manifests for the tests of sets, counters and events.
#pragma once

#include "runtime/abi/manifest.h"

#include <gtest/gtest.h>

namespace xdpc::test {

inline constexpr uint32_t kControlMap = 0, kExactMap = 1, kTrieMap = 2;

// A set of one type: with a trie if the type has a prefix, and then with the lengths that lie in the exact part.
inline abi::Manifest setPolicy(abi::KeyType key, uint32_t capacity, std::vector<abi::PrefixLength> exact_lengths = {}) {
  abi::Manifest m;
  m.maps = {{"control", abi::MapRole::control, 2, 4, sizeof(abi::Control), 1},
            {"exact", abi::MapRole::exact, 1, abi::keySize(key), sizeof(abi::ExactElement), capacity + 4},
            {"trie", abi::MapRole::trie, 11, abi::trieKeySize(key), sizeof(abi::TrieElement), capacity}};
  abi::Set set{.name = "banned", .index = 3, .key = key, .capacity = capacity};
  if (abi::prefixPart(key))
    set.trie_map = kTrieMap;
  if (!set.trie_map || !exact_lengths.empty())
    set.exact_map = kExactMap;
  set.exact_lengths = std::move(exact_lengths);
  m.sets = {set};
  return m;
}

inline const std::vector<abi::PrefixLength> kHostLengths = {{abi::Family::v4, 32}, {abi::Family::v6, 128}};

template <class T, class E> T unwrap(Result<T, E> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

} // namespace xdpc::test
