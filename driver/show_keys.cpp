// `xdpc show meter|counter NAME`: the keys by size. Tested by tests/live/keys.py.
#include "compiler/diag/diag.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/open_set.h"
#include "driver/target.h"
#include "runtime/counters/buckets.h"
#include "runtime/swap/counts.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

template <class T>
int unknown(const char* kind, const std::string& name, const std::vector<T>& all, const std::string& policy) {
  std::vector<std::string> names;
  for (const T& one : all)
    names.push_back(one.name);
  const auto near = diag::nearest(name, names);
  return fail(kNoObject, fmt::format("no {} `{}` in {}{}", kind, name, policy,
                                     near ? fmt::format(": did you mean `{}`?", *near) : ""));
}

void sayMore(size_t all, size_t shown) {
  if (all > shown)
    note(fmt::format("{} more keys are not shown: --top says how many are", all - shown));
}

std::string timeText(uint64_t ns) {
  return ns < 1'000'000'000 ? fmt::format("{:.1f} ms", double(ns) / 1e6) : fmt::format("{:.1f} s", double(ns) / 1e9);
}

int showMeter(const ShowOptions& options, const swap::LivePolicy& live) {
  const abi::Meter* meter = counters::findMeter(live.manifest, options.name);
  if (!meter)
    return unknown("meter", options.name, live.manifest.meters, live.manifest.policy);
  const auto buckets = counters::readBuckets(*live.maps, live.manifest, *meter, monotonicNow());
  if (!buckets)
    return fail(kRefused, buckets.error().message);
  const size_t shown = std::min<size_t>(options.top, buckets->size());
  const char* unit = meter->bits ? "bytes" : "packets";
  Json keys = Json::array();
  Table table({"key", fmt::format("{} taken", unit), fmt::format("of {}", meter->burst), "full in"});
  for (size_t i = 0; i < shown; ++i) {
    const counters::Bucket& bucket = (*buckets)[i];
    const std::string key = bucket.key.empty() ? "-" : abi::formatKey(meter->key, bucket.key);
    keys.push_back(
        {{"key", bucket.key.empty() ? Json() : Json(key)}, {"taken", bucket.taken}, {"full_in_ns", bucket.full_in_ns}});
    table.add({key, std::to_string(bucket.taken),
               fmt::format("{:.0f} %", 100.0 * double(bucket.taken) / double(std::max<uint64_t>(1, meter->burst))),
               timeText(bucket.full_in_ns)});
  }
  if (options.json) {
    printLine("{}", Json{{"schema", kSchema},
                         {"meter", meter->name},
                         {"unit", unit},
                         {"rate", meter->rate},
                         {"burst", meter->burst},
                         {"capacity", meter->map ? meter->capacity : 1},
                         {"keys_not_full", buckets->size()},
                         {"keys", keys}}
                        .dump());
    return kFine;
  }
  if (!table.empty())
    print(table.text());
  sayMore(buckets->size(), shown);
  return kFine;
}

swap::Result<std::vector<counters::KeyedCount>> countsOf(const swap::LivePolicy& live, uint32_t index) {
  const abi::Counter& counter = live.manifest.counters[index];
  if (counter.map)
    return swap::readKeyed(live, live.other(), index);
  const auto all = swap::readCounts(live, live.other());
  if (!all)
    return all.error();
  return std::vector<counters::KeyedCount>{{{}, all->slots[*counter.slot]}};
}

int showCounter(const ShowOptions& options, const swap::LivePolicy& live) {
  const abi::Counter* counter = counters::findCounter(live.manifest, options.name);
  if (!counter)
    return unknown("counter", options.name, live.manifest.counters, live.manifest.policy);
  const auto counts = countsOf(live, static_cast<uint32_t>(counter - live.manifest.counters.data()));
  if (!counts)
    return fail(counts.error());
  const size_t shown = std::min<size_t>(options.top, counts->size());
  Json keys = Json::array();
  Table table({"key", "packets", "bytes"});
  for (size_t i = 0; i < shown; ++i) {
    const auto& [key, cell] = (*counts)[i];
    const std::string text = key.empty() ? "-" : abi::formatKey(counter->key, key);
    keys.push_back({{"key", key.empty() ? Json() : Json(text)}, {"packets", cell.packets}, {"bytes", cell.bytes}});
    table.add({text, std::to_string(cell.packets), std::to_string(cell.bytes)});
  }
  if (options.json) {
    printLine("{}", Json{{"schema", kSchema},
                         {"counter", counter->name},
                         {"capacity", counter->map ? counter->capacity : 1},
                         {"all_keys", counts->size()},
                         {"keys", keys}}
                        .dump());
    return kFine;
  }
  if (!table.empty())
    print(table.text());
  sayMore(counts->size(), shown);
  return kFine;
}

} // namespace

int showKeys(const ShowOptions& options) {
  if (options.name.empty())
    return fail(kUsage, fmt::format("which {0}? `xdpc show {0} NAME`", options.kind));
  const auto live = swap::open(targetOf(options.target), swap::Access::read);
  if (!live)
    return fail(live.error());
  return options.kind == "meter" ? showMeter(options, *live) : showCounter(options, *live);
}

} // namespace xdpc::driver
