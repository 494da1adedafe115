// The code is the pinned one (docs/decisions/0150). Tested by tests/live/capture.py.
#include "runtime/swap/capture_load.h"

#include "runtime/kernel/frozen_bytes.h"
#include "runtime/kernel/map.h"
#include "runtime/object/pack.h"
#include "runtime/tables/table.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

Result<object::Object> readCode(const Generation& generation) {
  const Fd map(bpf_obj_get((generationPath(generation.folder, generation.number) / "code").c_str()));
  if (!map)
    return kernel::systemError("cannot open the pinned code of the policy", errno);
  const auto text = kernel::readCodeMap(map.get());
  if (!text)
    return text.error();
  auto code = object::unpackCode({reinterpret_cast<const uint8_t*>(text->data()), text->size()},
                                 generation.manifest.maps.size());
  if (!code)
    return KernelError{.kind = ErrorKind::refused, .message = code.error().message};
  code->manifest = generation.manifest;
  code->manifest_json = generation.manifest_json;
  return std::move(*code);
}

// The generation's maps, but for those that a capture has of its own.
Result<kernel::Groundwork> groundworkOver(const Generation& generation, uint32_t ring_bytes) {
  std::vector<Fd> maps;
  for (uint32_t i = 0; i < generation.manifest.maps.size(); ++i) {
    const abi::Map& map = generation.manifest.maps[i];
    const bool own = map.role == abi::MapRole::config || map.name == abi::kCaptureMap || map.name == abi::kFramesMap;
    maps.emplace_back(own ? -1 : dup(generation.maps->fd(i)));
    if (!own && !maps.back())
      return kernel::systemError("cannot share a map", errno);
  }
  if (auto completed = kernel::completeMaps(generation.manifest, maps, ring_bytes); !completed)
    return completed.error();
  const auto seed = tables::seedOf(*generation.maps, generation.manifest);
  if (!seed)
    return KernelError{.code = seed.error().code, .message = seed.error().message};
  auto groundwork = kernel::groundworkOver(std::move(maps));
  if (groundwork)
    groundwork->hash_seed = *seed;
  return groundwork;
}

Result<abi::CaptureState> stateFor(const CaptureRequest& request, const abi::Manifest& manifest) {
  abi::CaptureState state{.of_events = request.of_events,
                          .slot = abi::kAnySlot,
                          .verdict = request.verdict ? uint32_t{*request.verdict} : abi::kAnyVerdict,
                          .snap_length = std::max(1u, request.snap_length),
                          .sample = std::max(1u, request.sample)};
  if (request.of_events && manifest.events.empty())
    return KernelError{ErrorKind::not_found, 0, fmt::format("policy `{}` declares no events", manifest.policy)};
  if (!request.rule)
    return state;
  for (const abi::Rule& rule : manifest.rules)
    if (rule.name == *request.rule) {
      state.slot = rule.slot;
      return state;
    }
  return KernelError{ErrorKind::not_found,
                     0,
                     fmt::format("no rule `{}` in {}", *request.rule, manifest.policy),
                     {},
                     "`xdpc show` lists the rules"};
}

} // namespace

Result<CaptureLoad> loadCapture(const Generation& generation, const CaptureRequest& request) {
  const auto state = stateFor(request, generation.manifest);
  if (!state)
    return state.error();
  const auto state_map = abi::mapNamed(generation.manifest, abi::kCaptureMap);
  const auto frames_map = abi::mapNamed(generation.manifest, abi::kFramesMap);
  if (!state_map || !frames_map)
    return KernelError{.kind = ErrorKind::refused,
                       .message = "the policy was compiled by an older xdpc, and cannot be captured",
                       .help = "attach it anew"};
  const auto code = readCode(generation);
  if (!code)
    return code.error();
  auto groundwork = groundworkOver(generation, request.ring_bytes);
  if (!groundwork)
    return groundwork.error();
  auto policy = kernel::loadPolicy(*code, abi::kModeCapture, std::move(*groundwork));
  if (!policy)
    return policy.error();
  const std::span bytes(reinterpret_cast<const uint8_t*>(&*state), sizeof *state);
  if (auto written = policy->maps->write(*state_map, 0, bytes); !written)
    return KernelError{.code = written.error().code, .message = written.error().message};
  return CaptureLoad{std::move(*policy), *state_map, *frames_map};
}

} // namespace xdpc::swap
