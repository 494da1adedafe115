// `xdpc set add|del|list`: the elements of a live policy's set. Tested by tests/runtime.
#include "compiler/diag/diag.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/sets/sets.h"
#include "runtime/swap/open.h"
#include "runtime/swap/trial.h"

#include <nlohmann/json.hpp>

#include <ctime>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

uint64_t monotonicNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// A live policy and one of its sets.
struct Opened {
  swap::LivePolicy live;
  uint32_t set = 0; // index in the manifest

  const abi::Set& description() const { return live.manifest.sets[set]; }
};

std::optional<Opened> openSet(const SetOptions& options, swap::Access access, int& code) {
  auto live = swap::open(targetOf(options.target), access);
  if (!live) {
    code = fail(live.error());
    return {};
  }
  if (const abi::Set* set = sets::findSet(live->manifest, options.name)) {
    const auto index = static_cast<uint32_t>(set - live->manifest.sets.data());
    return Opened{std::move(*live), index};
  }
  std::vector<std::string> names;
  for (const abi::Set& set : live->manifest.sets)
    names.push_back(set.name);
  const auto near = diag::nearest(options.name, names);
  code = fail(kNoObject, fmt::format("no set `{}` in {}{}", options.name, live->manifest.policy,
                                     near ? fmt::format(": did you mean `{}`?", *near) : ""));
  return {};
}

// A change that broke off half way has changed something, too.
int finish(const Opened& opened, const Result<Done, sets::SetError>& changed) {
  const auto announced = swap::announceToBefore(opened.live);
  if (!changed)
    return fail(changed.error());
  return announced ? static_cast<int>(kFine) : fail(announced.error());
}

// The remaining time as people say it: whole seconds, at least one.
std::string remaining(const sets::Element& element, uint64_t now_ns) {
  if (element.expires_ns == abi::kNever)
    return "-";
  const uint64_t seconds = (element.expires_ns - now_ns + 999'999'999) / 1'000'000'000;
  if (seconds < 60)
    return fmt::format("{}s", seconds);
  if (seconds < 3600)
    return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

} // namespace

int setAddCommand(const SetOptions& options) {
  int code = kFine;
  std::optional<uint64_t> ttl;
  if (!options.duration.empty()) {
    const auto parsed = abi::parseDuration(options.duration);
    if (!parsed)
      return fail(kUsage, fmt::format("`--for {}`: {}", options.duration, parsed.error().message));
    ttl = *parsed;
  }
  auto opened = openSet(options, swap::Access::change, code);
  if (!opened)
    return code;
  const abi::Set& set = opened->description();
  const auto elements = sets::parseElements(set, options.elements);
  if (!elements)
    return fail(elements.error());
  const auto added =
      sets::add(*opened->live.maps, opened->live.manifest, set, *elements, {.now_ns = monotonicNow(), .ttl_ns = ttl});
  return finish(*opened, added);
}

int setDelCommand(const SetOptions& options) {
  int code = kFine;
  auto opened = openSet(options, swap::Access::change, code);
  if (!opened)
    return code;
  const abi::Set& set = opened->description();
  const auto elements = sets::parseElements(set, options.elements);
  if (!elements)
    return fail(elements.error());
  const auto removed = sets::remove(*opened->live.maps, opened->live.manifest, set, *elements, monotonicNow());
  return finish(*opened, removed);
}

int setListCommand(const SetOptions& options) {
  int code = kFine;
  const auto opened = openSet(options, swap::Access::read, code);
  if (!opened)
    return code;
  const abi::Set& set = opened->description();
  const uint64_t now_ns = monotonicNow();
  const auto elements = sets::list(*opened->live.maps, opened->live.manifest, set, now_ns);
  if (!elements)
    return fail(elements.error());
  if (options.json) {
    Json all = Json::array();
    for (const sets::Element& element : *elements) {
      Json one{{"element", abi::formatKey(set.key, element.key)},
               {"remaining_ns", element.expires_ns == abi::kNever ? Json() : Json(element.expires_ns - now_ns)}};
      if (set.count)
        one.update({{"packets", element.hits.packets}, {"bytes", element.hits.bytes}});
      all.push_back(std::move(one));
    }
    printLine("{}", Json{{"schema", kSchema}, {"set", set.name}, {"elements", all}}.dump());
    return kFine;
  }
  Table table(set.count ? std::vector<std::string>{"element", "remaining", "packets", "bytes"}
                        : std::vector<std::string>{"element", "remaining"});
  for (const sets::Element& element : *elements) {
    std::vector<std::string> row = {abi::formatKey(set.key, element.key), remaining(element, now_ns)};
    if (set.count)
      row.insert(row.end(), {std::to_string(element.hits.packets), std::to_string(element.hits.bytes)});
    table.add(std::move(row));
  }
  if (!table.empty())
    print(table.text());
  return kFine;
}

} // namespace xdpc::driver
