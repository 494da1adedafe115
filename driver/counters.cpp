// `xdpc counters`: what rules and counters have counted. Tested by tests/runtime.
#include "runtime/counters/counters.h"
#include "compiler/diag/diag.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/open.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

struct Count {
  std::string name, key; // key: of a keyed counter
  abi::Cell cell;
};

struct Counts {
  std::vector<Count> rules, counters, system;
  abi::Cell retired{};
};

struct Names {
  std::vector<std::string> all;
  const std::vector<std::string>& wanted;
  bool take(const std::string& name) {
    all.push_back(name);
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  }
};

swap::Result<Counts> readCounts(const swap::LivePolicy& live, Names& names) {
  const abi::Manifest& manifest = live.manifest;
  const auto all = swap::readCounts(live, live.other());
  if (!all)
    return all.error();
  const auto* cells = &all->slots;
  Counts counts;
  counts.retired = all->retired;
  for (const abi::Rule& rule : manifest.rules)
    if (names.take(rule.name))
      counts.rules.push_back({rule.name, {}, (*cells)[rule.slot]});
  for (uint32_t index = 0; index < manifest.counters.size(); ++index) {
    const abi::Counter& counter = manifest.counters[index];
    if (!names.take(counter.name))
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
    if (manifest.slots[slot].kind == abi::SlotKind::system && names.take(manifest.slots[slot].name))
      counts.system.push_back({manifest.slots[slot].name, {}, (*cells)[slot]});
  return counts;
}

Json cellJson(const abi::Cell& cell) {
  return {{"packets", cell.packets}, {"bytes", cell.bytes}};
}

void printJson(const swap::LivePolicy& live, const Counts& counts) {
  Json rules = Json::object(), counters = Json::object(), system = Json::object();
  for (const Count& count : counts.rules)
    rules[count.name] = cellJson(count.cell);
  for (const abi::Counter& counter : live.manifest.counters)
    if (counter.map)
      counters[counter.name] = {{"keys", Json::array()}};
  for (const Count& count : counts.counters) {
    if (count.key.empty()) {
      counters[count.name] = cellJson(count.cell);
      continue;
    }
    Json entry = {{"key", count.key}};
    entry.update(cellJson(count.cell));
    counters[count.name]["keys"].push_back(entry);
  }
  for (const Count& count : counts.system)
    system[count.name] = cellJson(count.cell);
  printLine("{}", Json{{"schema", kSchema},
                       {"device", live.device.name},
                       {"policy", live.manifest.policy},
                       {"rules", rules},
                       {"retired", cellJson(counts.retired)},
                       {"counters", counters},
                       {"system", system}}
                      .dump());
}

void printTable(const char* title, const std::vector<Count>& counts, bool zeros) {
  Table table({title, "packets", "bytes"});
  for (const Count& count : counts)
    if (zeros || count.cell.packets || count.cell.bytes)
      table.add({count.key.empty() ? count.name : fmt::format("{}[{}]", count.name, count.key),
                 std::to_string(count.cell.packets), std::to_string(count.cell.bytes)});
  if (!table.empty())
    print(table.text());
}

} // namespace

int countersCommand(const CountersOptions& options) {
  const auto live = swap::open(targetOf(options.target), swap::Access::read);
  if (!live)
    return fail(live.error());
  Names names{{}, options.names};
  auto counts = readCounts(*live, names);
  if (!counts)
    return fail(counts.error());
  for (const std::string& name : options.names)
    if (std::find(names.all.begin(), names.all.end(), name) == names.all.end()) {
      const auto near = diag::nearest(name, names.all);
      return fail(kNoObject, fmt::format("no rule or counter `{}` in {}{}", name, live->manifest.policy,
                                         near ? fmt::format(": did you mean `{}`?", *near) : ""));
    }
  if (options.json) {
    printJson(*live, *counts);
    return kFine;
  }
  if (counts->retired.packets != 0 && options.names.empty())
    counts->rules.push_back({"(retired)", {}, counts->retired});
  printTable("rule", counts->rules, true);
  printTable("counter", counts->counters, true);
  printTable("runtime", counts->system, !options.names.empty());
  return kFine;
}

} // namespace xdpc::driver
