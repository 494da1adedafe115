// See rates.h.
#include "driver/rates.h"

#include "driver/kernel_errors.h"
#include "driver/target.h"

#include <cmath>

namespace xdpc::driver {

namespace {

using Clock = std::chrono::steady_clock;

std::map<CountName, abi::Cell> cellsOf(const PolicyCounts& counts) {
  std::map<CountName, abi::Cell> cells;
  for (const auto* list : {&counts.rules, &counts.counters, &counts.system})
    for (const Count& count : *list)
      cells[{count.name, count.key}] = count.cell;
  return cells;
}

double growth(uint64_t before, uint64_t now) {
  return static_cast<double>(now >= before ? now - before : now);
}

swap::Result<Look> lookAt(const Target& target, const ReadCounts& read) {
  auto live = swap::open(targetOf(target), swap::Access::read);
  if (!live)
    return live.error();
  auto counts = read(*live);
  if (!counts)
    return counts.error();
  return Look{Clock::now(), std::move(*counts), live->manifest.policy, live->device.name, std::move(live->manifest)};
}

bool isGone(const kernel::KernelError& error) {
  return error.kind == kernel::ErrorKind::not_found || error.kind == kernel::ErrorKind::no_device;
}

} // namespace

Rate Rates::find(const Count& count) const {
  const auto found = of.find({count.name, count.key});
  return found == of.end() ? Rate{} : found->second;
}

Rates ratesBetween(const Look& earlier, const Look& later) {
  Rates rates;
  rates.seconds = std::chrono::duration<double>(later.time - earlier.time).count();
  const auto before = cellsOf(earlier.counts);
  for (const auto& [name, now] : cellsOf(later.counts)) {
    const auto found = before.find(name);
    const abi::Cell from = found == before.end() ? abi::Cell{0, 0} : found->second;
    if (rates.seconds > 0)
      rates.of[name] = {growth(from.packets, now.packets) / rates.seconds,
                        8 * growth(from.bytes, now.bytes) / rates.seconds};
  }
  return rates;
}

std::string siText(double value) {
  static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t prefix = 0;
  for (; value >= 999.5 && prefix + 1 < std::size(kPrefixes); ++prefix)
    value /= 1000;
  const int decimals = prefix == 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, kPrefixes[prefix]);
}

int watchCounts(const Target& target, const Watch& watch, const ReadCounts& read,
                const std::function<Next(Clock::time_point)>& wait,
                const std::function<void(const Look&, const Rates&)>& show) {
  auto before = lookAt(target, read);
  if (!before)
    return fail(before.error());
  if (watch.first_shown)
    show(*before, {});
  auto next = before->time;
  for (uint64_t shown = 0; watch.count == 0 || shown < watch.count; ++shown) {
    next = std::max(next + watch.interval, Clock::now()); // a stopped process does not make up for what it missed
    if (wait(next) == Next::end)
      return kFine;
    auto now = lookAt(target, read);
    if (!now && isGone(now.error())) {
      note("the policy or its device is gone");
      return kFine;
    }
    if (!now)
      return fail(now.error());
    show(*now, ratesBetween(*before, *now));
    before = std::move(now);
  }
  return kFine;
}

} // namespace xdpc::driver
