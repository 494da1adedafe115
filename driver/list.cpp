// `xdpc list` and `xdpc show`: what runs where, in short and in full. Tested by tests/runtime.
#include "runtime/swap/list.h"
#include "driver/commands.h"
#include "driver/counts.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/kernel/privilege.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

std::string timeText(int64_t unix_ns) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<time_t>(unix_ns / 1'000'000'000)));
}

std::string netnsText(const swap::Attached& attached) {
  return attached.own_netns            ? "-"
         : attached.netns_name.empty() ? fmt::format("{}", attached.netns)
                                       : attached.netns_name;
}

std::string deviceText(const swap::Attached& attached) {
  return attached.device.empty() ? fmt::format("#{} (link {})", attached.ifindex, attached.link_id) : attached.device;
}

const char* modeText(const swap::Attached& attached) {
  return attached.mode ? kernel::modeName(*attached.mode) : "?";
}

Json trialJson(const swap::Attached& attached) {
  switch (attached.trial) {
  case swap::TrialState::none:
    break;
  case swap::TrialState::running:
    return {{"state", "running"}, {"seconds_left", attached.trial_seconds}};
  case swap::TrialState::returned:
    return {{"state", "returned"}, {"seconds_left", 0}};
  }
  return nullptr;
}

Json keptJson(const swap::Attached& attached) {
  Json kept = Json::array();
  for (const swap::KeptGeneration& one : attached.kept)
    kept.push_back({{"generation", one.number},
                    {"policy", one.policy},
                    {"file", one.file},
                    {"since", timeText(one.since_unix_ns)}});
  return kept;
}

std::string trialText(const swap::Attached& attached) {
  switch (attached.trial) {
  case swap::TrialState::none:
    return attached.capture ? " (captured)" : "";
  case swap::TrialState::running:
    return fmt::format(" (on trial, {} s left{})", attached.trial_seconds, attached.capture ? ", captured" : "");
  case swap::TrialState::returned:
    return " (returned from a trial)";
  }
  return "";
}

Json toJson(const swap::Attached& attached) {
  return {{"device", attached.device},
          {"ifindex", attached.ifindex},
          {"instance", attached.instance},
          {"devices", attached.devices},
          {"netns", attached.netns_name},
          {"netns_inode", attached.netns},
          {"mode", modeText(attached)},
          {"policy", attached.manifest.policy},
          {"file", attached.manifest.file},
          {"source_sha256", attached.manifest.source_sha256},
          {"compiler", attached.manifest.compiler},
          {"since", timeText(attached.since_unix_ns)},
          {"program", attached.program.id},
          {"link", attached.link_id},
          {"generation", attached.generation},
          {"trial", trialJson(attached)},
          {"capture", attached.capture},
          {"generations", keptJson(attached)},
          {"trouble", attached.trouble.empty() ? Json() : Json(attached.trouble)}};
}

// The other devices of the instance.
std::string withText(const swap::Attached& attached) {
  std::vector<std::string> others = attached.devices;
  if (const auto own = std::ranges::find(others, deviceText(attached)); own != others.end())
    others.erase(own);
  return others.empty() ? "-" : fmt::format("{}", fmt::join(others, ","));
}

std::string keyText(const abi::KeyType& key) {
  return key.parts.empty() ? "-" : abi::keyTypeName(key);
}

void printRules(const abi::Manifest& manifest) {
  Table rules({"rule", "line", "verdict"});
  for (const abi::Rule& rule : manifest.rules)
    rules.add({rule.name, std::to_string(rule.line), rule.verdict.empty() ? "-" : rule.verdict});
  print("\n" + rules.text());
}

using System = std::vector<Count>; // what the runtime counts itself

std::string packetsOf(const System& system, const std::string& name) {
  const auto found = std::ranges::find(system, name, &Count::name);
  return found == system.end() ? "-" : std::to_string(found->cell.packets);
}

// `full`: what found no place; `evicted`: what gave its own away.
void printState(const abi::Manifest& manifest, const System& system) {
  Table table({"state", "kind", "key", "capacity", "full", "evicted"});
  const auto add = [&](const std::string& name, const std::string& kind, const abi::KeyType& key, uint32_t capacity,
                       const char* full) {
    table.add({name, kind, keyText(key), std::to_string(capacity), packetsOf(system, name + full),
               packetsOf(system, name + ".evicted")});
  };
  for (const abi::Set& set : manifest.sets)
    add(set.name, "set", set.key, set.capacity, ".full");
  for (const abi::Counter& counter : manifest.counters)
    add(counter.name, "counter", counter.key, counter.map ? counter.capacity : 1, ".other");
  for (const abi::Meter& meter : manifest.meters)
    add(meter.name, fmt::format("meter {} {}", meter.rate, meter.bits ? "bps" : "pps"), meter.key,
        meter.map ? meter.capacity : 1, ".full");
  for (const abi::Event& event : manifest.events)
    table.add({event.name, "event", "-", "-", packetsOf(system, event.name + ".lost"), "-"});
  if (!table.empty())
    print("\n" + table.text());
}

void printText(const swap::Details& details, const System& system) {
  const swap::Attached& attached = details.attached;
  const abi::Manifest& manifest = attached.manifest;
  uint64_t bytes = 0;
  for (const swap::MapUse& map : details.maps)
    bytes += map.bytes;
  printLine("policy   {} (from {}, {})", manifest.policy, manifest.file, manifest.source_sha256.substr(0, 12));
  printLine("device   {} ({} mode)", deviceText(attached), modeText(attached));
  if (attached.devices.size() > 1)
    printLine("with     {}", withText(attached));
  printLine("since    {}", timeText(attached.since_unix_ns));
  printLine("program  {} ({} instructions verified, {} bytes of machine code)", attached.program.id,
            attached.program.verified_instructions, attached.program.jited_bytes);
  printLine("maps     {}, {} bytes", details.maps.size(), bytes);
  if (attached.trial != swap::TrialState::none)
    printLine("trial   {}", trialText(attached));
  for (const swap::KeptGeneration& one : attached.kept)
    if (one.number != attached.generation)
      printLine("kept     {} (generation {}, from {}, ran since {})", one.policy, one.number, one.file,
                timeText(one.since_unix_ns));
  printRules(manifest);
  printState(manifest, system);
}

Json toJson(const swap::Details& details, const System& system) {
  Json json = {{"schema", kSchema}};
  json.update(toJson(details.attached));
  json["instructions"] = details.attached.program.verified_instructions;
  json["rules"] = Json::array();
  for (const abi::Rule& rule : details.attached.manifest.rules)
    json["rules"].push_back({{"name", rule.name}, {"line", rule.line}, {"verdict", rule.verdict}});
  json["system"] = Json::object();
  for (const Count& count : system)
    json["system"][count.name] = count.cell.packets;
  json["maps"] = Json::array();
  for (const swap::MapUse& map : details.maps)
    json["maps"].push_back({{"name", map.name}, {"id", map.id}, {"entries", map.max_entries}, {"bytes", map.bytes}});
  json["manifest"] = Json::parse(abi::toJson(details.attached.manifest));
  return json;
}

// None if they cannot be read: the rest is worth showing.
System readSystem(const ShowOptions& options) {
  const auto live = swap::open(targetOf(options.target), swap::Access::read);
  if (!live)
    return {};
  auto counts = readPolicyCounts(*live, [](const std::string& name) { return name.find('.') != std::string::npos; });
  return counts ? std::move(counts->system) : System{};
}

} // namespace

int listCommand(const ListOptions& options) {
  const auto all = swap::list(options.bpffs);
  kernel::dropAll();
  if (!all)
    return fail(all.error());
  if (options.json) {
    Json devices = Json::array();
    for (const swap::Attached& attached : *all)
      devices.push_back(toJson(attached));
    printLine("{}", Json{{"schema", kSchema}, {"attached", devices}}.dump());
    return kFine;
  }
  Table table({"device", "with", "netns", "policy", "mode", "since", "file"});
  for (const swap::Attached& attached : *all) {
    const std::string policy = attached.trouble.empty() ? attached.manifest.policy + trialText(attached)
                                                        : fmt::format("? {}", attached.trouble);
    table.add({deviceText(attached), withText(attached), netnsText(attached), policy, modeText(attached),
               attached.since_unix_ns != 0 ? timeText(attached.since_unix_ns) : "-", attached.manifest.file});
  }
  if (!table.empty())
    print(table.text());
  return kFine;
}

int showCommand(const ShowOptions& options) {
  if (!options.kind.empty())
    return showKeys(options);
  const auto details = swap::show(targetOf(options.target));
  const auto system = details ? readSystem(options) : System{};
  kernel::dropAll();
  if (!details)
    return fail(details.error());
  if (options.json)
    printLine("{}", toJson(*details, system).dump());
  else
    printText(*details, system);
  return kFine;
}

} // namespace xdpc::driver
