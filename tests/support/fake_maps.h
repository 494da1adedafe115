// engine::Maps in memory, for tests of what stands on it: hashes, one-entry arrays and longest-prefix tries with the
// kernel's limits and error numbers, each as a plain ordered map.
#pragma once

#include "runtime/abi/keyed_table.h"
#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <map>

namespace xdpc::test {

class FakeMaps : public engine::Maps {
public:
  using MapError = engine::MapError;
  static constexpr uint32_t kHash = 1, kArray = 2, kTrie = 11; // enum bpf_map_type
  static constexpr uint32_t kMmapable = 1024;                  // BPF_F_MMAPABLE

  // `rows` stands for the number of possible CPUs.
  explicit FakeMaps(const abi::Manifest& manifest, uint32_t rows = 1) {
    for (const abi::Map& map : manifest.maps) {
      Map& made = maps_.emplace_back();
      made.description = map;
      if (map.row_bytes)
        made.description.value_size = rows * map.row_bytes;
      if (map.type != kArray)
        continue;
      if (map.flags & kMmapable)
        made.values.resize(size_t{made.description.value_size} * map.max_entries);
      made.entries[abi::Bytes(4)] = abi::Bytes(made.description.value_size);
      if (map.role == abi::MapRole::config) {
        abi::Config config{};
        abi::seedTables(config, abi::kTestSeed);
        std::memcpy(made.entries[abi::Bytes(4)].data(), &config, sizeof config);
      }
    }
  }

  std::function<void()> before_next; // stands for a program that runs while a map is walked
  unsigned updates = 0;

  size_t entries(uint32_t map) const { return maps_.at(map).entries.size(); }

  Result<std::optional<abi::Bytes>, MapError> lookup(uint32_t map, std::span<const uint8_t> key) const override {
    const Map& m = maps_.at(map);
    if (key.size() != m.description.key_size)
      return error(m, EINVAL);
    if (m.description.type == kTrie)
      return longestMatch(m, bytes(key));
    const auto found = m.entries.find(bytes(key));
    return found == m.entries.end() ? std::nullopt : std::optional(found->second);
  }

  Result<Done, MapError> update(uint32_t map, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                engine::Update how) override {
    Map& m = maps_.at(map);
    if (key.size() != m.description.key_size || value.size() != m.description.value_size)
      return error(m, EINVAL);
    const bool there = m.entries.count(bytes(key)) != 0;
    if (there && how == engine::Update::create)
      return error(m, EEXIST);
    if (!there && how == engine::Update::replace)
      return error(m, ENOENT);
    if (!there && m.entries.size() >= m.description.max_entries)
      return error(m, m.description.type == kTrie ? ENOSPC : E2BIG);
    m.entries[bytes(key)] = bytes(value);
    ++updates;
    return Done{};
  }

  Result<Done, MapError> erase(uint32_t map, std::span<const uint8_t> key) override {
    Map& m = maps_.at(map);
    if (m.entries.erase(bytes(key)) == 0)
      return error(m, ENOENT);
    return Done{};
  }

  // As in the kernel, the walk starts again when the key has gone.
  Result<std::optional<abi::Bytes>, MapError> next(uint32_t map,
                                                   std::optional<std::span<const uint8_t>> key) const override {
    if (before_next)
      before_next();
    const auto& entries = maps_.at(map).entries;
    auto at = key ? entries.find(bytes(*key)) : entries.end();
    at = at == entries.end() ? entries.begin() : std::next(at);
    return at == entries.end() ? std::nullopt : std::optional(at->first);
  }

  Result<Done, MapError> read(uint32_t map, uint32_t offset, std::span<uint8_t> out) const override {
    const Map& m = maps_.at(map);
    if (m.description.type != kArray || offset + out.size() > m.description.value_size)
      return error(m, EINVAL);
    std::memcpy(out.data(), m.entries.at(abi::Bytes(4)).data() + offset, out.size());
    return Done{};
  }

  Result<Done, MapError> write(uint32_t map, uint32_t offset, std::span<const uint8_t> bytes) override {
    Map& m = maps_.at(map);
    if (m.description.type != kArray || offset + bytes.size() > m.description.value_size)
      return error(m, EINVAL);
    std::memcpy(m.entries.at(abi::Bytes(4)).data() + offset, bytes.data(), bytes.size());
    return Done{};
  }

  std::span<uint8_t> memory(uint32_t map) const override { return maps_.at(map).values; }

  uint32_t valueSize(uint32_t map) const override { return maps_.at(map).description.value_size; }

private:
  struct Map {
    abi::Map description;
    std::map<abi::Bytes, abi::Bytes> entries;
    mutable abi::Bytes values; // of an array that can be mapped; entries are apart from it
  };

  static abi::Bytes bytes(std::span<const uint8_t> span) { return {span.begin(), span.end()}; }

  static MapError error(const Map& map, int code) {
    return {code, fmt::format("cannot use the map `{}`: {}", map.description.name, strerror(code))};
  }

  static uint32_t prefixLength(const abi::Bytes& key) {
    uint32_t length = 0;
    std::memcpy(&length, key.data(), sizeof length);
    return length;
  }

  static bool sameBits(const abi::Bytes& a, const abi::Bytes& b, uint32_t bits) {
    for (uint32_t i = 0; i < bits; ++i)
      if ((a[4 + i / 8] ^ b[4 + i / 8]) & (0x80 >> i % 8))
        return false;
    return true;
  }

  static std::optional<abi::Bytes> longestMatch(const Map& map, const abi::Bytes& key) {
    const std::pair<const abi::Bytes, abi::Bytes>* best = nullptr;
    for (const auto& entry : map.entries) {
      const uint32_t length = prefixLength(entry.first);
      if (length <= prefixLength(key) && sameBits(entry.first, key, length) &&
          (!best || length > prefixLength(best->first)))
        best = &entry;
    }
    return best ? std::optional(best->second) : std::nullopt;
  }

  std::vector<Map> maps_;
};

} // namespace xdpc::test
