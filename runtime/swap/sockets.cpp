// Hands maps of sockets on.
#include "runtime/swap/sockets.h"

#include <algorithm>

namespace xdpc::swap {
namespace {

std::optional<uint32_t> socketMap(const abi::Manifest& manifest, const abi::Target& like) {
  const auto same = std::ranges::find_if(manifest.targets, [&](const abi::Target& one) {
    return one.kind == abi::TargetKind::socket && one.name == like.name;
  });
  return same == manifest.targets.end() ? std::nullopt : std::optional(same->map);
}

} // namespace

Result<Done> keepSockets(Candidate& candidate, const Folder& folder, uint32_t generation, const abi::Manifest& old) {
  const abi::Manifest& manifest = candidate.object.manifest;
  for (const abi::Target& target : manifest.targets) {
    const auto before = target.kind == abi::TargetKind::socket ? socketMap(old, target) : std::nullopt;
    if (!before || old.maps[*before].max_entries != manifest.maps[target.map].max_entries)
      continue;
    if (!candidate.groundwork) {
      auto laid = kernel::layGroundwork(manifest);
      if (!laid)
        return laid.error();
      candidate.groundwork = std::move(*laid);
    }
    auto map = openMap(folder, generation, *before);
    if (!map)
      return map.error();
    candidate.groundwork->maps[target.map] = std::move(*map);
  }
  return Done{};
}

} // namespace xdpc::swap
