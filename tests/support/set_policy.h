// Manifests of one set, for tests over maps in memory and in the kernel.
#pragma once

#include "runtime/abi/keyed_table.h"
#include "runtime/abi/manifest.h"
#include "runtime/abi/prefix_trie.h"

#include <gtest/gtest.h>

namespace xdpc::test {

inline constexpr uint32_t kControlMap = 0, kExactMap = 1, kTrieMap = 2;

// A set of one type: with a trie if the type has a prefix (the kernel's for tuples), and then with the lengths that lie
// in the exact part.
inline abi::Manifest setPolicy(abi::KeyType key, uint32_t capacity, std::vector<abi::PrefixLength> exact_lengths = {}) {
  abi::Manifest m;
  m.maps = {{.name = "control",
             .role = abi::MapRole::control,
             .type = 2,
             .key_size = 4,
             .value_size = sizeof(abi::Control),
             .max_entries = 1},
            {.name = "exact",
             .role = abi::MapRole::exact,
             .type = 2,
             .key_size = 4,
             .value_size = abi::tableLayout(key, 1).bucketBytes(),
             .max_entries = abi::bucketsFor(capacity),
             .flags = 1024}}; // can be mapped
  abi::Set set{.name = "banned", .index = 3, .key = key, .capacity = capacity, .when_full = abi::WhenFull::refuse};
  if (abi::prefixPart(key) && key.parts.size() == 1) {
    const abi::PrefixTrieLayout layout = abi::prefixTrieLayout(key.parts[0], capacity);
    const auto array = [](const char* name, abi::MapRole role, uint32_t bytes, uint32_t entries) {
      return abi::Map{.name = name,
                      .role = role,
                      .type = 2,
                      .key_size = 4,
                      .value_size = bytes,
                      .max_entries = entries,
                      .flags = 1024};
    };
    set.trie_map = kTrieMap;
    m.maps.push_back(array("trie", abi::MapRole::trie, abi::kTrieLine, layout.lines));
    m.maps.push_back(array("front", abi::MapRole::trie, layout.frontBytes(), 1));
    if (layout.hosts_apart)
      m.maps.push_back(array("hosts", abi::MapRole::trie, 2 * layout.hostBytes(), 1));
  } else if (abi::prefixPart(key)) {
    set.trie_map = kTrieMap;
    m.maps.push_back({.name = "trie",
                      .role = abi::MapRole::trie,
                      .type = 11,
                      .key_size = abi::trieKeySize(key),
                      .value_size = sizeof(abi::TrieElement),
                      .max_entries = capacity,
                      .flags = 1}); // no preallocation
  }
  if (!set.trie_map || !exact_lengths.empty())
    set.exact_map = kExactMap;
  m.maps.push_back({.name = "config",
                    .role = abi::MapRole::config,
                    .type = 2,
                    .key_size = 4,
                    .value_size = sizeof(abi::Config),
                    .max_entries = 1,
                    .flags = 128}); // read only to programs
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
