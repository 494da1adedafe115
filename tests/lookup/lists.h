// Random lists of keys, plainly: what a list holds, and what a map gives for a key. Private to tests/lookup.
#pragma once

#include "tests/differential/random.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::lookup {

using u128 = unsigned __int128;
using differential::Random;

enum class KeyKind : uint8_t { v4, v6, port, sequence, mac };
unsigned bitsOf(KeyKind kind);

struct Line {
  u128 low = 0, high = 0;
  unsigned length = 0; // of a prefix; 0 also for a range that is none
  uint32_t value = 0;
};

struct List {
  KeyKind kind = KeyKind::v4;
  std::vector<Line> lines;

  bool has(u128 key) const;
  std::optional<uint32_t> valueOf(u128 key) const; // of the longest prefix
  std::string text(bool values) const;
  std::vector<u128> keys(Random& random, size_t count) const; // around the ends of lines, and anywhere
};

enum class Content : uint8_t { prefixes, nested, hosts, neighbors, ends, ranges };

// Lines of one length are different for all contents but `ranges`.
List makeList(KeyKind kind, Content content, size_t count, Random& random);

} // namespace xdpc::lookup
