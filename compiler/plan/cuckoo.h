// Places keys in two tables of buckets, in one or the other: breadth of a bucket is a number of slots. Private to
// hash_table.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace xdpc::plan {

inline constexpr uint32_t kFree = ~uint32_t{0};

struct Cuckoo {
  uint32_t buckets = 1; // of each table
  uint32_t slots = 1;   // of each bucket
  // The bucket of a key in either table.
  std::function<uint32_t(uint32_t key, unsigned table)> bucket;

  // The key of each slot or kFree, the second table behind the first; nothing where some key finds no place.
  std::optional<std::vector<uint32_t>> place(uint32_t keys) const;
};

} // namespace xdpc::plan
