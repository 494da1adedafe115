// See counts.h.
#include "driver/counts.h"

namespace xdpc::driver {

swap::Result<PolicyCounts> readPolicyCounts(const swap::LivePolicy& live,
                                            const std::function<bool(const std::string&)>& take) {
  const abi::Manifest& manifest = live.manifest;
  const auto all = swap::readCounts(live, live.other());
  if (!all)
    return all.error();
  const auto* cells = &all->slots;
  PolicyCounts counts;
  counts.retired = all->retired;
  for (const abi::Rule& rule : manifest.rules)
    if (take(rule.name))
      counts.rules.push_back({rule.name, {}, (*cells)[rule.slot]});
  for (uint32_t index = 0; index < manifest.counters.size(); ++index) {
    const abi::Counter& counter = manifest.counters[index];
    if (!take(counter.name))
      continue;
    if (counter.slot)
      counts.counters.push_back({counter.name, {}, (*cells)[*counter.slot]});
    if (!counter.map)
      continue;
    const auto keys = swap::readKeyed(live, live.other(), index);
    if (!keys)
      return keys.error();
    for (const counters::KeyedCount& count : *keys)
      counts.counters.push_back({counter.name, abi::formatKey(counter.key, count.key), count.cell});
  }
  for (uint32_t slot = 0; slot < manifest.slots.size(); ++slot)
    if (manifest.slots[slot].kind == abi::SlotKind::system && take(manifest.slots[slot].name))
      counts.system.push_back({manifest.slots[slot].name, {}, (*cells)[slot]});
  return counts;
}

swap::Result<PolicyCounts> readRuleCounts(const swap::LivePolicy& live) {
  const auto all = swap::readCounts(live, live.other());
  if (!all)
    return all.error();
  PolicyCounts counts;
  counts.retired = all->retired;
  for (const abi::Rule& rule : live.manifest.rules)
    counts.rules.push_back({rule.name, {}, all->slots[rule.slot]});
  return counts;
}

swap::Result<PolicyCounts> readPolicyCounts(const swap::LivePolicy& live) {
  return readPolicyCounts(live, [](const std::string&) { return true; });
}

} // namespace xdpc::driver
