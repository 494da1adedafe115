// The steps of carrying state over. Everything that is written can be written again with the same result until one
// store into the ledger ends it. Tested in tests/runtime/carry_test.cpp.
#include "runtime/swap/carry.h"

#include "runtime/kernel/grace.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::swap {
namespace {

using abi::Cell;
using kernel::KernelError;

uint64_t unixNow() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

bool anyConverted(const std::vector<Pair>& pairs) {
  return std::ranges::any_of(pairs, [](const Pair& pair) { return pair.fate == Fate::converted; });
}

// Nothing is left to do after the link's update.
bool allShared(const StateMatch& match, const Reset& reset) {
  return !reset.all && reset.names.empty() && match.slots == Fate::shared &&
         (match.cells_fate == Fate::shared || match.cells.empty()) && !anyConverted(match.sets) &&
         !anyConverted(match.meters) && !anyConverted(match.counters);
}

bool takesFrom(const StateMatch& match, uint32_t slot) {
  return std::ranges::find(match.slot, std::optional(slot)) != match.slot.end();
}

Result<Done> pinAgain(const Folder& folder, const std::filesystem::path& from, const std::filesystem::path& to) {
  const kernel::Fd fd(bpf_obj_get(from.c_str()));
  if (!fd && errno == ENOENT)
    return Done{};
  unlink(to.c_str());
  if (!fd || bpf_obj_pin(fd.get(), to.c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", to.string()), errno);
  shareAsFolder(folder, to);
  return Done{};
}

const Pair* pairTo(const std::vector<Pair>& pairs, uint32_t to) {
  const auto found = std::ranges::find_if(pairs, [&](const Pair& pair) { return pair.to == to; });
  return found == pairs.end() ? nullptr : &*found;
}

// The bases of keyed counters as the next epoch has them.
Result<Done> pinNextBases(const Generation& from, const Generation& to, const StateMatch& match) {
  for (uint32_t i = 0; i < to.manifest.counters.size(); ++i) {
    if (!to.manifest.counters[i].map)
      continue;
    const uint64_t epoch = to.epoch;
    const Pair* pair = pairTo(match.counters, i);
    Result<Done> done = Done{};
    if (!pair || pair->fate == Fate::shared) {
      done = pinAgain(to.folder, keyedBasePath(to.folder, to.number, i, epoch),
                      keyedBasePath(to.folder, to.number, i, epoch + 1));
    } else {
      auto counts = ownKeyedBase(to, i);
      const auto earlier = ownKeyed(from, pair->from);
      if (!counts || !earlier)
        return counts ? earlier.error() : counts.error();
      addKeyed(*counts, *earlier);
      done = pinKeyedBase(to, i, epoch + 1, *counts);
    }
    if (!done)
      return done;
  }
  return Done{};
}

void unpinOldBases(const Generation& generation, uint64_t epoch) {
  for (uint32_t i = 0; i < generation.manifest.counters.size(); ++i)
    unlink(keyedBasePath(generation.folder, generation.number, i, epoch).c_str());
}

// What becomes valid with the ledger's next state.
Result<Done> writeBase(const Generation& to, const Counts& from, const abi::Manifest& manifest,
                       const StateMatch& match) {
  Counts sums;
  const auto origins = to.ledger->origins();
  sums.slots.assign(origins.begin(), origins.end());
  sums.retired = to.ledger->head().retired_origin;
  addCounts(sums, from, manifest, match);
  to.ledger->head().retired = sums.retired;
  const auto base = abi::mapWithRole(to.manifest, abi::MapRole::base);
  if (match.slots == Fate::shared || !base)
    return Done{};
  const std::span bytes(reinterpret_cast<const uint8_t*>(sums.slots.data()), sums.slots.size() * sizeof(Cell));
  if (auto written = to.maps->write(*base, 0, bytes); !written)
    return KernelError{.code = written.error().code, .message = written.error().message};
  return Done{};
}

// What `from` changed until its last packet. It does not run any more.
Result<Done> finishCopies(const Generation& from, const Generation& to) {
  if (auto passed = kernel::awaitGracePeriod(); !passed)
    return passed;
  const auto match = matchPinned(from, to, Reset::fromText(to.ledger->resets()));
  return copyState({from.manifest, *from.maps}, {to.manifest, *to.maps}, match, Round::second);
}

Result<Done> takeOver(const Generation& from, const Generation& to) {
  const auto match = matchPinned(from, to, Reset::fromText(to.ledger->resets()));
  // A trial that is over: what it had of its own goes with it, but not what it counted.
  const bool counts_alone = from.carries || to.ledger->state() == LedgerState::carrying_counts;
  if (auto done = counts_alone ? kernel::awaitGracePeriod() : finishCopies(from, to); !done)
    return done;
  const auto counts = ownCounts(from);
  if (!counts)
    return counts.error();
  if (auto written = writeBase(to, *counts, from.manifest, match); !written)
    return written;
  return pinNextBases(from, to, match);
}

// Somebody removed the pins of the generation before: its counts are lost, but nothing else shall be.
Result<Done> goOnWithout(const KernelError& error, const Generation& to) {
  if (error.code != ENOENT)
    return error;
  const StateMatch nothing{.slots = Fate::converted};
  return writeBase(to, Counts{}, to.manifest, nothing);
}

} // namespace

Result<Done> mayCarry(const Generation& from, const abi::Manifest& to, const StateMatch& match, const Reset& reset) {
  if (const auto unknown = unknownNames(from.manifest, to, reset); !unknown.empty())
    return KernelError{.kind = kernel::ErrorKind::not_found,
                       .message = fmt::format("neither policy has a `{}` that could start afresh", unknown.front())};
  if (match.refused.empty())
    return Done{};
  std::vector<std::string> lines, flags;
  for (const Refusal& refusal : match.refused) {
    lines.push_back(fmt::format("{}: {}", refusal.what, refusal.reason));
    flags.push_back("--reset " + refusal.name);
  }
  return KernelError{kernel::ErrorKind::refused, 0, "state of the running policy cannot live on in the new one",
                     fmt::format("{}", fmt::join(lines, "\n")),
                     fmt::format("let it start afresh with {}", fmt::join(flags, " "))};
}

Result<Done> shareMaps(const Generation& from, const StateMatch& match, kernel::Groundwork& groundwork) {
  for (const Pair& pair : match.maps) {
    kernel::Fd map(dup(from.maps->fd(pair.from)));
    if (!map)
      return kernel::systemError("cannot share a map", errno);
    groundwork.maps[pair.to] = std::move(map);
  }
  return Done{};
}

Result<Ledger> fillStaged(const Generation* from, const StateMatch& match, const Reset& reset, kernel::LoadedPolicy& to,
                          const abi::Manifest& manifest, std::span<const SetContents> contents) {
  auto ledger = Ledger::create(manifest.slots.size(), reset.toText());
  if (!ledger)
    return ledger;
  const Side side{manifest, *to.maps};
  if (auto filled = fillFreshSets(side, match, contents); !filled)
    return filled.error();
  if (!from)
    return ledger;
  const Side old{from->manifest, *from->maps};
  if (auto announced = announceTries(old, side, match); !announced)
    return announced.error();
  if (auto copied = copyState(old, side, match, Round::first); !copied)
    return copied.error();
  ledger->head().from = from->number;
  if (allShared(match, reset))
    ledger->head().retired = from->ledger ? from->ledger->head().retired : Cell{};
  else
    ledger->set(LedgerState::carrying, 0);
  return ledger;
}

Result<Done> takePlace(const Folder& folder, uint32_t from, uint32_t number) {
  const auto old = openLedger(folder, from), now = openLedger(folder, number);
  if (!old || !now)
    return (old ? now : old).error();
  if (!*old || !*now)
    return Done{};
  LedgerHead &before = (*old)->head(), &head = (*now)->head();
  head.from = before.from;
  head.since_unix_ns = before.since_unix_ns;
  before.since_unix_ns = 0; // and so it is not kept
  return Done{};
}

Result<Done> pinSharedBases(const Generation& from, const StateMatch& match, const Folder& folder, uint32_t number) {
  for (const Pair& pair : match.counters)
    if (pair.fate == Fate::shared)
      if (auto done = pinAgain(folder, keyedBasePath(from.folder, from.number, pair.from, from.epoch),
                               keyedBasePath(folder, number, pair.to, 0));
          !done)
        return done;
  return Done{};
}

Result<Done> prepareReturn(const Generation& from, const Generation& to, const Reset& reset) {
  const auto match = matchPinned(from, to, reset);
  const Side old{from.manifest, *from.maps}, side{to.manifest, *to.maps};
  if (auto cleared = clearStale(side, match); !cleared)
    return cleared;
  if (auto announced = announceTries(old, side, match); !announced)
    return announced;
  if (auto copied = copyState(old, side, match, Round::first); !copied)
    return copied;
  const auto cells = counters::readCells(*to.maps, to.manifest);
  const auto base = counters::readBase(*to.maps, to.manifest);
  if (!cells || !base)
    return KernelError{.message = (cells ? base : cells).error().message};
  // Its rules' old counts went on into what ran after it; what only it has goes on from where it was.
  for (uint32_t slot = 0; slot < base->size(); ++slot) {
    const bool own = to.manifest.slots[slot].kind != abi::SlotKind::rule && !takesFrom(match, slot);
    to.ledger->origins()[slot] = own ? (*base)[slot] : Cell{-(*cells)[slot].packets, -(*cells)[slot].bytes};
  }
  LedgerHead& head = to.ledger->head();
  head.from = from.number;
  head.retired_origin = {};
  to.ledger->setResets(reset.toText());
  const uint64_t epoch = to.epoch + 1;
  for (uint32_t i = 0; i < to.manifest.counters.size(); ++i) {
    const Pair* pair = pairTo(match.counters, i);
    const auto next = keyedBasePath(to.folder, to.number, i, epoch);
    unlink(next.c_str());
    if (pair && pair->fate == Fate::converted)
      continue;
    if (auto done = pinAgain(to.folder,
                             pair ? keyedBasePath(from.folder, from.number, pair->from, from.epoch)
                                  : keyedBasePath(to.folder, to.number, i, epoch - 1),
                             next);
        !done)
      return done;
  }
  to.ledger->set(LedgerState::carrying, epoch);
  return Done{};
}

Result<Done> settle(const Folder& folder, uint32_t number) {
  const auto known = openLedger(folder, number);
  if (!known)
    return known.error();
  if (!*known)
    return Done{};
  if ((*known)->state() == LedgerState::settled) // nothing to take, as of all that are the first
    return markRunning(folder, number);
  auto to = openGeneration(folder, number);
  if (!to)
    return to.error();
  const Ledger& ledger = *to->ledger;
  const uint64_t epoch = ledger.epoch();
  const auto from = openGeneration(folder, static_cast<uint32_t>(ledger.head().from));
  if (auto taken = from ? takeOver(*from, *to) : goOnWithout(from.error(), *to); !taken)
    return taken;
  ledger.set(LedgerState::settled, epoch + 1);
  if (epoch != 0)
    unpinOldBases(*to, epoch - 1); // somebody may still read those of `epoch`
  return markRunning(folder, number);
}

Result<Done> beginTrial(const Folder& folder, uint32_t number) {
  const auto to = openGeneration(folder, number);
  if (!to)
    return to.error();
  if (to->ledger && to->ledger->state() == LedgerState::carrying) {
    const auto from = openGeneration(folder, static_cast<uint32_t>(to->ledger->head().from));
    if (!from && from.error().code != ENOENT) // else somebody removed its pins, and nothing can come from it
      return from.error();
    if (auto copied = from ? finishCopies(*from, *to) : Done{}; !copied)
      return copied;
    to->ledger->set(LedgerState::carrying_counts, to->ledger->epoch());
  }
  return markRunning(folder, number);
}

Result<Done> markRunning(const Folder& folder, uint32_t number) {
  const auto ledger = openLedger(folder, number);
  if (!ledger)
    return ledger.error();
  if (*ledger && (*ledger)->head().since_unix_ns == 0)
    (*ledger)->head().since_unix_ns = unixNow();
  return Done{};
}

} // namespace xdpc::swap
