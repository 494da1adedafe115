// The capture's program is pinned in `<generation>/capture/prog`, and the reader holds the lock of that folder as long
// as it lives. Tested by tests/live/capture.py.
#include "runtime/swap/capture.h"

#include "runtime/kernel/event_ring.h"
#include "runtime/kernel/frozen_bytes.h"
#include "runtime/kernel/map.h"
#include "runtime/kernel/trial_program.h"
#include "runtime/object/pack.h"
#include "runtime/swap/change.h"
#include "runtime/swap/lock_live.h"
#include "runtime/swap/trial.h"
#include "runtime/tables/table.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

constexpr uint64_t kLeaseNs = 3'000'000'000;
constexpr uint64_t kRenewNs = 1'000'000'000;
constexpr int kPollMs = 200;

// Invalid if somebody else has it.
Fd lockCapture(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(fd) : Fd();
}

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

// A capture at work on one generation. Puts everything back at the end.
class Tap {
public:
  static Result<Tap> start(const Target& target, const CaptureRequest& request, const FrameSink& sink) {
    auto locked = lockLive(target);
    if (!locked)
      return locked.error();
    if (auto may = mayCapture(*locked, target); !may)
      return may.error();
    auto generation = openGeneration(locked->folder, locked->live->generation);
    if (!generation)
      return generation.error();
    auto state = stateFor(request, generation->manifest);
    if (!state)
      return state.error();
    const auto place = locate(target);
    if (!place)
      return place.error();
    Tap tap(target, place->device, std::move(*generation));
    if (auto loaded = tap.load(request, *state, sink); !loaded)
      return loaded.error();
    if (auto put = tap.putOnLink(locked->live); !put)
      return put.error();
    if (sink.policy) {
      LivePolicy policy;
      policy.device = place->device;
      policy.manifest = tap.generation_.manifest;
      sink.policy(policy);
    }
    return tap;
  }

  Tap(Tap&&) = default;
  ~Tap() {
    if (on_link_)
      (void)takeOffLink();
  }

  Result<Done> renew() { return lease(kernel::coarseMonotonic() + kLeaseNs); }
  kernel::EventRing& ring() { return *ring_; }

  enum class Life { same, swapped, gone };
  Result<Life> life() const {
    const auto live = installed(generation_.folder);
    if (!live)
      return live.error();
    if (!*live)
      return Life::gone;
    return (*live)->program_id == policy_.info.id ? Life::same : Life::swapped;
  }

  // The policy itself is back, unless another one took the place meanwhile; and what was copied is handed over.
  Result<CaptureTotals> finish() {
    if (auto off = takeOffLink(); !off)
      return off.error();
    if (auto drained = ring_->drain(); !drained)
      return drained.error();
    abi::CaptureState state{};
    if (auto read = policy_.maps->read(state_map_, 0, {reinterpret_cast<uint8_t*>(&state), sizeof state}); !read)
      return KernelError{.code = read.error().code, .message = read.error().message};
    return CaptureTotals{state.matched, state.lost};
  }

private:
  Tap(Target target, kernel::Device device, Generation generation)
      : target_(std::move(target)), device_(std::move(device)), generation_(std::move(generation)), on_link_(false) {}

  static Result<Done> mayCapture(Instance& locked, const Target& target) {
    const std::string& device = locked.device;
    if (auto restored = restore(locked, target); !restored)
      return restored;
    if (!locked.live)
      return nothingAttached(device);
    if (auto waits = refuseDuringTrial(*locked.live, device); !waits)
      return waits;
    if (locked.live->capture)
      return KernelError{ErrorKind::busy, EWOULDBLOCK, fmt::format("somebody else already captures on `{}`", device)};
    return Done{};
  }

  Result<Done> load(const CaptureRequest& request, const abi::CaptureState& state, const FrameSink& sink) {
    const auto state_map = abi::mapNamed(generation_.manifest, abi::kCaptureMap);
    const auto frames = abi::mapNamed(generation_.manifest, abi::kFramesMap);
    if (!state_map || !frames)
      return KernelError{.kind = ErrorKind::refused,
                         .message = "the policy was compiled by an older xdpc, and cannot be captured",
                         .help = "attach it anew"};
    auto code = readCode(generation_);
    if (!code)
      return code.error();
    auto groundwork = groundworkOver(generation_, request.ring_bytes);
    if (!groundwork)
      return groundwork.error();
    auto policy = kernel::loadPolicy(*code, abi::kModeCapture, std::move(*groundwork));
    if (!policy)
      return policy.error();
    policy_ = std::move(*policy);
    state_map_ = *state_map;
    if (auto written = policy_.maps->write(state_map_, 0, {reinterpret_cast<const uint8_t*>(&state), sizeof state});
        !written)
      return KernelError{.code = written.error().code, .message = written.error().message};
    auto ring = kernel::EventRing::open(policy_.maps->fd(*frames), [sink](std::span<const uint8_t> record) {
      abi::FrameHeader header;
      if (record.size() < sizeof header)
        return;
      std::memcpy(&header, record.data(), sizeof header);
      const auto bytes = record.subspan(sizeof header);
      sink.frame(header, bytes.first(std::min<size_t>(header.captured, bytes.size())));
    });
    if (!ring)
      return ring.error();
    ring_ = std::move(*ring);
    return Done{};
  }

  Result<Done> putOnLink(const std::optional<Installed>& live) {
    const auto path = capturePath(generation_.folder, generation_.number);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return kernel::systemError(fmt::format("cannot make `{}`", path.string()), errno);
    lock_ = lockCapture(path);
    unlink((path / "prog").c_str());
    if (!lock_ || bpf_obj_pin(policy_.program.get(), (path / "prog").c_str()) != 0) {
      const int code = errno;
      removeCapture(generation_.folder, generation_.number);
      return kernel::systemError("cannot pin the capture", code);
    }
    if (auto renewed = renew(); !renewed)
      return renewed;
    const auto changed = change(generation_.folder, live, policy_.program,
                                {.to = {generation_.number, false, true}, .netns = target_.netns});
    on_link_.value = changed.ok();
    if (changed)
      return Done{};
    if (access(generation_.folder.intent().c_str(), F_OK) != 0) // else what undoes it needs the pin
      removeCapture(generation_.folder, generation_.number);
    return changed.error();
  }

  Result<Done> takeOffLink() {
    on_link_.value = false;
    if (auto ended = lease(0); !ended)
      return ended;
    const auto folder_lock = lockFolder(generation_.folder, device_.name, IfMissing::fail);
    if (!folder_lock)
      return folder_lock.error().kind == ErrorKind::not_found ? Result<Done>(Done{}) : folder_lock.error();
    const auto live = installed(generation_.folder);
    if (!live)
      return live.error();
    if (*live && (*live)->program_id == policy_.info.id) {
      const auto program = openProgram(generation_.folder, generation_.number);
      if (!program)
        return program.error();
      const Change back{.to = {generation_.number}, .netns = target_.netns};
      if (auto changed = change(generation_.folder, *live, *program, back); !changed)
        return changed.error();
    }
    removeCapture(generation_.folder, generation_.number);
    return Done{};
  }

  Result<Done> lease(uint64_t until) {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&until), sizeof until);
    if (auto written = policy_.maps->write(state_map_, offsetof(abi::CaptureState, lease_ns), bytes); !written)
      return KernelError{.code = written.error().code, .message = written.error().message};
    return Done{};
  }

  // False in what was moved from.
  struct Flag {
    bool value;
    Flag(bool set) : value(set) {}
    Flag(Flag&& other) noexcept : value(std::exchange(other.value, false)) {}
    explicit operator bool() const { return value; }
  };

  Target target_;
  kernel::Device device_;
  Generation generation_;
  kernel::LoadedPolicy policy_;
  uint32_t state_map_ = 0;
  Fd lock_;
  std::unique_ptr<kernel::EventRing> ring_;
  Flag on_link_;
};

// Reads until something ends it.
Result<Tap::Life> readOn(Tap& tap, const FrameSink& sink, const std::atomic<bool>& stop) {
  uint64_t renewed = kernel::coarseMonotonic();
  while (!stop) {
    if (const uint64_t now = kernel::coarseMonotonic(); now - renewed >= kRenewNs) {
      const auto life = tap.life();
      if (!life)
        return life.error();
      if (*life != Tap::Life::same)
        return *life;
      if (auto done = tap.renew(); !done)
        return done.error();
      renewed = now;
    }
    if (auto waited = tap.ring().wait(kPollMs); !waited)
      return waited.error();
    if (sink.rest)
      sink.rest();
  }
  return Tap::Life::same;
}

} // namespace

Result<CaptureEnd> followFrames(const Target& target, const CaptureRequest& request, const FrameSink& sink,
                                const std::atomic<bool>& stop) {
  CaptureEnd end;
  for (bool first = true;; first = false) {
    auto tap = Tap::start(target, request, sink);
    if (!tap && first)
      return tap.error();
    if (!tap) {
      end.gone = tap.error();
      return end;
    }
    const auto life = readOn(*tap, sink, stop);
    if (!life)
      return life.error();
    const auto totals = tap->finish();
    if (!totals)
      return totals.error();
    end.totals.matched += totals->matched;
    end.totals.lost += totals->lost;
    if (sink.rest)
      sink.rest();
    if (*life == Tap::Life::same)
      return end;
  }
}

Result<Done> endDeadCapture(Instance& instance, const Target& target) {
  const Folder& folder = instance.folder;
  const uint32_t number = instance.live->generation;
  const Fd lock = lockCapture(capturePath(folder, number));
  if (!lock)
    return Done{}; // it is alive
  const auto program = openProgram(folder, number);
  if (!program)
    return program.error();
  if (auto changed = change(folder, instance.live, *program, {.to = {number}, .netns = target.netns}); !changed)
    return changed.error();
  removeCapture(folder, number);
  auto now = installed(folder);
  if (!now)
    return now.error();
  instance.live = std::move(*now);
  return Done{};
}

} // namespace xdpc::swap
