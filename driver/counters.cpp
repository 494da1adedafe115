// `xdpc counters`: what rules and counters have counted, once or again and again with rates. Tested by tests/runtime
// and tests/live/watch.py.
#include "compiler/diag/diag.h"
#include "driver/commands.h"
#include "driver/counts.h"
#include "driver/kernel_errors.h"
#include "driver/rates.h"
#include "driver/stop.h"
#include "driver/target.h"
#include "runtime/abi/literal.h"
#include "runtime/kernel/privilege.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

struct Names {
  std::vector<std::string> all;
  const std::vector<std::string>& wanted;
  bool take(const std::string& name) {
    all.push_back(name);
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  }
};

// `rates` are there in a watch.
Json cellJson(const abi::Cell& cell, const Rate* rate) {
  Json json = {{"packets", cell.packets}, {"bytes", cell.bytes}};
  if (rate)
    json.update({{"packets_per_second", rate->packets}, {"bits_per_second", rate->bits}});
  return json;
}

Json cellJson(const Count& count, const Rates* rates) {
  const Rate rate = rates ? rates->find(count) : Rate{};
  return cellJson(count.cell, rates ? &rate : nullptr);
}

void printJson(const std::string& device, const abi::Manifest& manifest, const PolicyCounts& counts,
               const Rates* rates) {
  Json rules = Json::object(), counters = Json::object(), system = Json::object();
  for (const Count& count : counts.rules)
    rules[count.name] = cellJson(count, rates);
  for (const abi::Counter& counter : manifest.counters)
    if (counter.map)
      counters[counter.name] = {{"keys", Json::array()}};
  for (const Count& count : counts.counters) {
    if (count.key.empty()) {
      counters[count.name] = cellJson(count, rates);
      continue;
    }
    Json entry = {{"key", count.key}};
    entry.update(cellJson(count, rates));
    counters[count.name]["keys"].push_back(entry);
  }
  for (const Count& count : counts.system)
    system[count.name] = cellJson(count, rates);
  Json json = {{"schema", kSchema}, {"device", device}, {"policy", manifest.policy}};
  if (rates)
    json["seconds"] = rates->seconds;
  json.update(
      {{"rules", rules}, {"retired", cellJson(counts.retired, nullptr)}, {"counters", counters}, {"system", system}});
  printLine("{}", json.dump());
}

void printTable(const char* title, const std::vector<Count>& counts, bool zeros, const Rates* rates) {
  std::vector<std::string> titles = {title, "packets", "bytes"};
  if (rates)
    titles.insert(titles.end(), {"packets/s", "bits/s"});
  Table table(titles);
  for (const Count& count : counts) {
    if (!zeros && !count.cell.packets && !count.cell.bytes)
      continue;
    std::vector<std::string> row = {count.key.empty() ? count.name : fmt::format("{}[{}]", count.name, count.key),
                                    std::to_string(count.cell.packets), std::to_string(count.cell.bytes)};
    if (rates) {
      const Rate rate = rates->find(count);
      row.insert(row.end(), {fmt::format("{:.0f}", rate.packets), fmt::format("{:.0f}", rate.bits)});
    }
    table.add(row);
  }
  if (!table.empty())
    print(table.text());
}

void printText(PolicyCounts counts, bool all_names, const Rates* rates) {
  if (counts.retired.packets != 0 && all_names)
    counts.rules.push_back({"(retired)", {}, counts.retired});
  printTable("rule", counts.rules, true, rates);
  printTable("counter", counts.counters, true, rates);
  printTable("runtime", counts.system, !all_names, rates);
}

int unknownName(const std::string& name, const Names& names, const std::string& policy) {
  const auto near = diag::nearest(name, names.all);
  return fail(kNoObject, fmt::format("no rule or counter `{}` in {}{}", name, policy,
                                     near ? fmt::format(": did you mean `{}`?", *near) : ""));
}

int watch(const CountersOptions& options) {
  const auto interval = abi::parseDuration(options.watch);
  if (!interval || *interval == 0)
    return fail(kUsage, fmt::format("`--watch {}`: {}", options.watch,
                                    interval ? "an interval is longer than that" : interval.error().message));
  stopOnSignals();
  Names names{{}, options.names};
  bool first = true;
  return watchCounts(
      options.target, {.interval = std::chrono::nanoseconds(*interval), .count = options.count},
      [&](const swap::LivePolicy& live) {
        return readPolicyCounts(live, [&](const std::string& name) { return names.take(name); });
      },
      [](auto until) { return sleepUntil(until) ? Next::end : Next::go_on; },
      [&](const Look& look, const Rates& rates) {
        if (options.json)
          printJson(look.device, look.manifest, look.counts, &rates);
        else {
          print(std::exchange(first, false) ? "" : "\n");
          printText(look.counts, options.names.empty(), &rates);
        }
        if (std::fflush(stdout) != 0)
          stopOnSignals() = true; // nobody reads it any more
      });
}

} // namespace

int countersCommand(const CountersOptions& options) {
  const auto live = swap::open(targetOf(options.target), swap::Access::read);
  if (!live)
    return fail(live.error());
  Names names{{}, options.names};
  const auto counts = readPolicyCounts(*live, [&](const std::string& name) { return names.take(name); });
  if (options.watch.empty())
    kernel::dropAll();
  if (!counts)
    return fail(counts.error());
  for (const std::string& name : options.names)
    if (std::find(names.all.begin(), names.all.end(), name) == names.all.end())
      return unknownName(name, names, live->manifest.policy);
  if (!options.watch.empty())
    return watch(options);
  if (options.json)
    printJson(live->device.name, live->manifest, *counts, nullptr);
  else
    printText(*counts, options.names.empty(), nullptr);
  return kFine;
}

} // namespace xdpc::driver
