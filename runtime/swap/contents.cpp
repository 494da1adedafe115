// A swap of the running policy for itself, or, during a trial, changes of the maps that run. Tested by
// tests/live/set_replace.py.
#include "runtime/swap/contents.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/counts.h"
#include "runtime/swap/open.h"
#include "runtime/swap/trial.h"

#include <cerrno>
#include <ctime>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

// How often it is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

using kernel::ErrorKind;
using kernel::KernelError;

KernelError toError(const sets::SetError& error) {
  return {.kind = error.kind == sets::SetError::Kind::full ? ErrorKind::refused : ErrorKind::system,
          .code = error.code,
          .message = error.message};
}

// What becomes of these contents if the policy from before the trial comes back.
Result<std::string> onReturn(const LivePolicy& live, const abi::Set& set) {
  const auto number = static_cast<uint32_t>(live.ledger ? live.ledger->head().from : 0);
  const std::string steps =
      fmt::format("during a trial the elements of `{}` change one after another, prefixes at once", set.name);
  if (number == 0)
    return steps;
  const auto before = openGeneration(live.folder, number);
  if (!before)
    return before.error();
  for (const Pair& pair : matchPinned(*before, live, {}).sets)
    if (live.manifest.sets[pair.to].name == set.name)
      return fmt::format("{}; {} {}", steps, before->manifest.policy,
                         pair.fate == Fate::shared ? "shares the set, and will have these if it comes back"
                                                   : "has the contents from before the trial if it comes back");
  return steps;
}

// A swap would end the trial: it has two programs on the link, and a deadline that is in one of them.
Result<std::vector<std::string>> replaceInTrial(const Target& target, const SetContents& contents) {
  auto live = open(target, Access::change);
  if (!live)
    return live.error();
  if (!live->trial)
    return KernelError{ErrorKind::busy, ESTALE, "the trial ended meanwhile"};
  const abi::Set* set = sets::findSet(live->manifest, contents.set);
  if (!set)
    return KernelError{ErrorKind::not_found, ENOENT,
                       fmt::format("no set `{}` in {}", contents.set, live->manifest.policy)};
  auto note = onReturn(*live, *set);
  if (!note)
    return note.error();
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t now_ns = uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
  const auto replaced = sets::replace(*live->maps, live->manifest, *set, contents.elements, now_ns);
  // Also what broke off half way: the program of the policy from before has to know that its tries are not empty.
  if (auto announced = announceToBefore(*live); !announced)
    return announced.error();
  if (!replaced)
    return toError(replaced.error());
  return std::vector{std::move(*note)};
}

Result<std::vector<std::string>> replaceOnce(const Target& target, const SetContents& contents) {
  const auto live = open(target, Access::read);
  if (!live)
    return live.error();
  if (live->trial)
    return replaceInTrial(target, contents);
  const auto bytes = readObjectBytes(live->folder, live->number);
  if (!bytes)
    return bytes.error();
  const auto object = object::readObject(*bytes);
  if (!object)
    return KernelError{.kind = ErrorKind::refused,
                       .message = fmt::format("the pinned object cannot be read: {}", object.error().message)};
  AttachOptions options;
  options.contents = {&contents, 1};
  options.in_place_of = live->number;
  auto attached = attach(Candidate{*object, std::nullopt, *bytes}, target, options);
  if (!attached)
    return attached.error();
  return std::move(attached->warnings);
}

} // namespace

Result<std::vector<std::string>> replaceSet(const Target& target, const SetContents& contents) {
  for (int attempt = 1;; ++attempt) {
    auto replaced = replaceOnce(target, contents);
    const bool overtaken = !replaced && (replaced.error().code == ESTALE || replaced.error().code == ENOENT);
    if (!overtaken || attempt == kAttempts)
      return replaced;
  }
}

} // namespace xdpc::swap
