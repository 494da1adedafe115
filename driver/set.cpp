// `xdpc set add|del|replace|load|flush`: changes the elements of a live policy's set. Tested by tests/live/sets.py,
// set_input.py and set_replace.py.
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/open_set.h"
#include "driver/set_input.h"
#include "driver/target.h"
#include "runtime/sets/sets.h"
#include "runtime/swap/comments.h"
#include "runtime/swap/contents.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/trial.h"

namespace xdpc::driver {

namespace {

uint64_t endOf(const Wanted& wanted, uint64_t now_ns) {
  uint64_t end = abi::kNever;
  if (!wanted.ttl_ns || __builtin_add_overflow(now_ns, *wanted.ttl_ns, &end))
    return abi::kNever;
  return end;
}

std::vector<sets::Element> elementsOf(const std::vector<Wanted>& all, uint64_t now_ns) {
  std::vector<sets::Element> elements;
  elements.reserve(all.size());
  for (const Wanted& wanted : all)
    elements.push_back({wanted.element, endOf(wanted, now_ns)});
  return elements;
}

int comment(const OpenSet& opened, const std::vector<Wanted>& all, uint64_t now_ns) {
  std::vector<swap::Comment> comments;
  for (const Wanted& wanted : all)
    if (!wanted.comment.empty())
      comments.push_back({wanted.element, wanted.comment, endOf(wanted, now_ns)});
  const auto written =
      swap::writeComments(opened.live.folder, opened.live.manifest, opened.description(), comments, now_ns);
  return written ? static_cast<int>(kFine) : fail(written.error());
}

int forget(const OpenSet& opened, const std::vector<abi::KeyValue>& elements, uint64_t now_ns) {
  if (!swap::hasComments(opened.live.folder))
    return kFine;
  std::vector<swap::Comment> comments;
  for (const abi::KeyValue& element : elements)
    comments.push_back({element, {}});
  const auto written =
      swap::writeComments(opened.live.folder, opened.live.manifest, opened.description(), comments, now_ns);
  return written ? static_cast<int>(kFine) : fail(written.error());
}

// A change that broke off half way has changed something, too.
int finish(const OpenSet& opened, const Result<Done, sets::SetError>& changed) {
  const auto announced = swap::announceToBefore(opened.live);
  if (!changed)
    return fail(changed.error());
  return announced ? static_cast<int>(kFine) : fail(announced.error());
}

// What became of a full set is counted as what a packet's addition does to it.
swap::Result<Done> count(const OpenSet& opened, const sets::Addition& added) {
  const abi::Set& set = opened.description();
  if (added.evicted != 0 && set.evicted)
    if (auto counted = swap::countByHand(opened.live, *set.evicted, added.evicted); !counted)
      return counted;
  const bool refused = !added.done && added.done.error().kind == sets::SetError::Kind::full;
  return refused && set.full ? swap::countByHand(opened.live, *set.full, 1) : Done{};
}

// Before anything is opened.
bool hasElements(const SetOptions& options, int& code) {
  if (!options.elements.empty() || !options.file.empty() || options.json_lines)
    return true;
  code = fail(kUsage, "no elements: name some, or give them with --file or --json-lines");
  return false;
}

struct Change {
  OpenSet opened;
  std::vector<Wanted> wanted;
};

// Elements are read before the lock is taken: standard input may be slow.
std::optional<Change> readAndLock(const SetOptions& options, int& code) {
  if (!hasElements(options, code))
    return {};
  const auto seen = openSet(options, swap::Access::read, code);
  if (!seen)
    return {};
  auto wanted = readWanted(options, seen->description(), code);
  if (!wanted)
    return {};
  auto opened = openSet(options, swap::Access::change, code);
  if (!opened)
    return {};
  if (opened->description().key != seen->description().key) {
    code = fail(kRefused, fmt::format("the type of `{}` changed meanwhile: try again", options.name));
    return {};
  }
  return Change{std::move(*opened), std::move(*wanted)};
}

int addTo(const SetOptions& options) {
  int code = kFine;
  auto change = readAndLock(options, code);
  if (!change)
    return code;
  const auto& [opened, wanted] = *change;
  const uint64_t now_ns = monotonicNow();
  const auto added =
      sets::addAll(*opened.live.maps, opened.live.manifest, opened.description(), elementsOf(wanted, now_ns), now_ns);
  code = finish(opened, added.done);
  if (const auto counted = count(opened, added); !counted)
    return fail(counted.error());
  return code == kFine ? comment(opened, wanted, now_ns) : code;
}

int replaceIn(const SetOptions& options, const std::vector<Wanted>& wanted) {
  const uint64_t now_ns = monotonicNow();
  const auto replaced = swap::replaceSet(targetOf(options.target), {options.name, elementsOf(wanted, now_ns)});
  if (!replaced)
    return fail(replaced.error());
  for (const std::string& warning : *replaced)
    warn(warning);
  int code = kFine;
  const auto opened = openSet(options, swap::Access::change, code);
  if (!opened)
    return code;
  const auto& live = opened->live;
  if (const auto forgotten = swap::forgetComments(live.folder, live.manifest, opened->description(), now_ns);
      !forgotten)
    return fail(forgotten.error());
  return comment(*opened, wanted, now_ns);
}

} // namespace

int setAddCommand(const SetOptions& options) {
  return addTo(options);
}

int setLoadCommand(const SetOptions& options) {
  return options.replace ? setReplaceCommand(options) : addTo(options);
}

int setReplaceCommand(const SetOptions& options) {
  int code = kFine;
  std::optional<std::vector<Wanted>> wanted;
  if (hasElements(options, code))
    if (const auto seen = openSet(options, swap::Access::read, code))
      wanted = readWanted(options, seen->description(), code);
  return wanted ? replaceIn(options, *wanted) : code;
}

int setFlushCommand(const SetOptions& options) {
  int code = kFine;
  if (const auto seen = openSet(options, swap::Access::read, code); !seen)
    return code;
  return replaceIn(options, {});
}

int setDelCommand(const SetOptions& options) {
  int code = kFine;
  auto change = readAndLock(options, code);
  if (!change)
    return code;
  const OpenSet& opened = change->opened;
  std::vector<abi::KeyValue> elements;
  for (Wanted& one : change->wanted)
    elements.push_back(std::move(one.element));
  const uint64_t now_ns = monotonicNow();
  const auto removed = sets::remove(*opened.live.maps, opened.live.manifest, opened.description(), elements, now_ns);
  code = finish(opened, removed);
  const int forgotten = forget(opened, elements, now_ns);
  return code == kFine ? forgotten : code;
}

} // namespace xdpc::driver
