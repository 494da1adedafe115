// The plan in words.
#include "compiler/plan/print.h"
#include "compiler/plan/box_table.h"
#include "compiler/plan/classifier_text.h"
#include "compiler/plan/lookup_cost.h"
#include "runtime/abi/keyed_table.h"
#include "runtime/abi/prefix_trie.h"

#include <fmt/format.h>

namespace xdpc::plan {
namespace {

std::string describe(const Tables& tables) {
  std::string text;
  const auto add = [&](const char* what, const std::optional<Table>& table) {
    if (!table)
      return;
    text += text.empty() ? "" : "; ";
    text += what + describe(*table);
  };
  const bool both = tables.v4 && tables.v6;
  add("", tables.number);
  add(both ? "IPv4: " : "", tables.v4);
  add(both ? "IPv6: " : "", tables.v6);
  add("", tables.tuples);
  return text;
}

std::string lookupOf(ConstSetKind kind, const Tables& tables) {
  switch (kind) {
  case ConstSetKind::compares:
    return "compares in place";
  case ConstSetKind::function:
    return "a tree of compares, one function";
  case ConstSetKind::tuples:
    return "each tuple in turn";
  case ConstSetKind::table:
    return describe(tables);
  case ConstSetKind::boxes:
    break;
  }
  return "";
}

std::string headers(const Program& program) {
  std::string text;
  for (size_t id = 0; id < program.headers.size(); ++id) {
    const HeaderPlan& plan = program.headers[id];
    if (!plan.walked)
      continue;
    text += fmt::format("header {}{}\n", program.policy->headers[id].name, plan.asked ? "" : " on the way");
  }
  if (program.needs_malformed)
    text += "checks lengths for pkt.malformed\n";
  return text;
}

// What a table of keyed state has room for, and what that takes.
std::string tableText(const Program& program, uint32_t index) {
  const abi::Map& map = program.manifest.maps[index];
  return fmt::format("a table of {} places, {} KiB", uint64_t{map.max_entries} * abi::kWays,
                     uint64_t{map.max_entries} * map.value_size / 1024);
}

std::string trieText(const abi::Manifest& manifest, const abi::Set& set) {
  const auto maps = abi::trieMaps(manifest, set);
  if (!maps)
    return "the kernel's LPM trie";
  uint64_t bytes = 0;
  for (uint32_t map : maps->all())
    bytes += uint64_t{manifest.maps[map].max_entries} * manifest.maps[map].value_size;
  const bool front = abi::prefixTrieLayout(set.key.parts[0], set.capacity).nodes > 0;
  return fmt::format("{}a trie in {} KiB", front ? "a bitmap, a hash of hosts and " : "", bytes / 1024);
}

std::string sets(const Program& program) {
  std::string text;
  const ir::Policy& policy = *program.policy;
  for (size_t id = 0; id < policy.const_sets.size(); ++id) {
    const ir::ConstSet& set = policy.const_sets[id];
    const BoxTable* boxes = boxTable(program, static_cast<ir::ConstSetId>(id));
    text += fmt::format(
        "const set {}: {} intervals, {}\n", set.name.empty() ? fmt::format("#{}", id) : set.name, set.elements.size(),
        boxes ? describe(*boxes)
              : lookupOf(program.const_sets[id], constTables(program, static_cast<ir::ConstSetId>(id))));
  }
  for (size_t id = 0; id < policy.sets.size(); ++id) {
    const SetPlan& plan = program.sets[id];
    text += fmt::format("set {}:", policy.sets[id].name);
    if (plan.exact && (plan.probes.empty() || plan.lengths))
      text += " " + tableText(program, *plan.exact);
    if (plan.lengths)
      text += ", a probe for each combination of prefix lengths in it";
    for (const abi::PrefixLength& length : plan.lengths ? std::vector<abi::PrefixLength>() : plan.probes)
      text += fmt::format(" a probe for IPv{} /{},", static_cast<int>(length.family), length.length);
    if (plan.exact && !plan.probes.empty() && !plan.lengths)
      text += " in " + tableText(program, *plan.exact) + ",";
    if (plan.trie)
      text += fmt::format(" {} for what user space adds", trieText(program.manifest, program.manifest.sets[id]));
    text += "\n";
  }
  return text;
}

std::string externs(const Program& program) {
  std::string text;
  for (const ir::CModule& one : program.policy->c_modules)
    text += fmt::format("C in {}: {} function{}, {} bytes of constants\n", baseName(one.source->name()),
                        one.functions.size(), one.functions.size() == 1 ? "" : "s", one.constants);
  return text;
}

std::string scans(const Program& program) {
  std::string text;
  for (size_t id = 0; id < program.scans.size(); ++id) {
    const ScanPlan& scan = program.scans[id];
    text += fmt::format("scan #{}: the first {} bytes for {} pattern set{}, {} states of {} classes\n", id, scan.within,
                        scan.sets, scan.sets == 1 ? "" : "s", scan.states, scan.classes);
  }
  return text;
}

std::string maps(const Program& program) {
  std::string text;
  for (size_t id = 0; id < program.policy->maps.size(); ++id) {
    const ir::Map& map = program.policy->maps[id];
    const BoxTable* boxes = mapBoxTable(program, static_cast<ir::MapId>(id));
    text += fmt::format("map {}: {} intervals, {}\n", map.name, map.entries.size(),
                        boxes      ? describe(*boxes)
                        : map.used ? describe(program.map_tables[id])
                                   : "not used");
  }
  return text;
}

std::string state(const Program& program) {
  std::string text;
  const ir::Policy& policy = *program.policy;
  for (size_t id = 0; id < policy.meters.size(); ++id) {
    const MeterPlan& plan = program.meters[id];
    text += fmt::format("meter {}: one word{}, {} a {} of {}{}\n", policy.meters[id].name, plan.map ? " a key" : "",
                        plan.cost, policy.meters[id].bits ? "byte" : "packet", plan.window,
                        plan.map ? ", " + tableText(program, *plan.map) : "");
  }
  for (size_t id = 0; id < policy.counters.size(); ++id)
    text += fmt::format("counter {}: {}\n", policy.counters[id].name,
                        program.counters[id].map ? tableText(program, *program.counters[id].map) : "a slot");
  for (size_t id = 0; id < policy.events.size(); ++id)
    text += fmt::format("event {}: {} bytes a record\n", policy.events[id].name, program.events[id].size);
  return text;
}

} // namespace

std::string toText(const Program& program) {
  size_t in_tables = 0;
  for (const Classifier& classifier : program.classifiers)
    in_tables += classifier.count;
  std::string text = fmt::format("policy {}: {} rules, {}one after the other in each leaf of the parser\n",
                                 program.policy->name, program.policy->rules.size(),
                                 in_tables ? fmt::format("{} of them in tables, the others ", in_tables) : "");
  text += classifiersText(program);
  text += headers(program) + sets(program) + maps(program) + scans(program) + externs(program) + state(program);
  for (const abi::Map& map : program.manifest.maps)
    text +=
        fmt::format("map {}: {} entries of {} + {} bytes\n", map.name, map.max_entries, map.key_size, map.value_size);
  text += fmt::format("{} slots, {} bytes a CPU\n", program.manifest.slots.size(), program.row_bytes);
  return text;
}

} // namespace xdpc::plan
