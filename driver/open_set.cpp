// See open_set.h.
#include "driver/open_set.h"

#include "compiler/diag/diag.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/sets/sets.h"

#include <ctime>

namespace xdpc::driver {

std::optional<OpenSet> openSet(const SetOptions& options, swap::Access access, int& code) {
  auto live = swap::open(targetOf(options.target), access);
  if (!live) {
    code = fail(live.error());
    return {};
  }
  sayNotes(live->notes);
  if (const abi::Set* set = sets::findSet(live->manifest, options.name)) {
    const auto index = static_cast<uint32_t>(set - live->manifest.sets.data());
    return OpenSet{std::move(*live), index};
  }
  std::vector<std::string> names;
  for (const abi::Set& set : live->manifest.sets)
    names.push_back(set.name);
  const auto near = diag::nearest(options.name, names);
  code = fail(kNoObject, fmt::format("no set `{}` in {}{}", options.name, live->manifest.policy,
                                     near ? fmt::format(": did you mean `{}`?", *near) : ""));
  return {};
}

uint64_t monotonicNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace xdpc::driver
