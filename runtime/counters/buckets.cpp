// Reads meters' words. Tested by tests/live/keys.py.
#include "runtime/counters/buckets.h"

#include "runtime/tables/table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpc::counters {
namespace {

using engine::MapError;

// Nothing if it is full.
std::optional<Bucket> bucketOf(const abi::Meter& meter, abi::KeyValue key, uint64_t word, uint64_t now_ns) {
  const uint64_t window = abi::windowOf(meter), cost = std::max<uint64_t>(1, abi::costOf(meter));
  // Behind its end by what CPUs' clocks differ, it is as empty as can be.
  const uint64_t ahead = std::min(tables::Rest::ofMeter(now_ns, window).distance(word), window);
  if (ahead == 0)
    return std::nullopt;
  return Bucket{std::move(key), std::min((ahead + cost - 1) / cost, meter.burst), ahead >> abi::kMeterShift};
}

Result<uint64_t, MapError> readCell(const engine::Maps& maps, const abi::Manifest& manifest, uint32_t cell) {
  const auto map = abi::mapWithRole(manifest, abi::MapRole::meters);
  if (!map)
    return MapError{ENOENT, "the policy has no meters"};
  uint8_t bytes[sizeof(uint64_t)];
  if (auto done = maps.read(*map, cell * sizeof bytes, bytes); !done)
    return done.error();
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

} // namespace

const abi::Meter* findMeter(const abi::Manifest& manifest, std::string_view name) {
  const auto found = std::ranges::find_if(manifest.meters, [&](const abi::Meter& one) { return one.name == name; });
  return found == manifest.meters.end() ? nullptr : &*found;
}

Result<std::vector<Bucket>, MapError> readBuckets(const engine::Maps& maps, const abi::Manifest& manifest,
                                                  const abi::Meter& meter, uint64_t now_ns) {
  std::vector<Bucket> buckets;
  const auto take = [&](const abi::KeyValue& key, uint64_t word) {
    if (auto bucket = bucketOf(meter, key, word, now_ns))
      buckets.push_back(std::move(*bucket));
  };
  if (meter.cell) {
    const auto word = readCell(maps, manifest, *meter.cell);
    if (!word)
      return word.error();
    take({}, *word);
    return buckets;
  }
  const auto table = tables::Table::open(maps, manifest, *meter.map, meter.key, 1);
  if (!table)
    return table.error();
  table->forEach([&](const abi::KeyValue& key, const tables::Words& words) { take(key, words[0]); });
  std::ranges::sort(buckets, [](const Bucket& a, const Bucket& b) {
    return a.full_in_ns != b.full_in_ns ? a.full_in_ns > b.full_in_ns : a.key < b.key;
  });
  return buckets;
}

} // namespace xdpc::counters
