// The capture's program is pinned in `<generation>/capture/prog`, and the reader holds the lock of that folder as long
// as it lives. Tested by tests/live/capture.py.
#include "runtime/swap/capture.h"

#include "runtime/kernel/event_ring.h"
#include "runtime/kernel/trial_program.h"
#include "runtime/swap/capture_load.h"
#include "runtime/swap/change.h"
#include "runtime/swap/lock_live.h"
#include "runtime/swap/trial.h"

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

// Whether the folder that it locks is the one that lies there now.
bool isLockOf(const Fd& lock, const std::filesystem::path& path) {
  struct stat locked{}, there{};
  return fstat(lock.get(), &locked) == 0 && stat(path.c_str(), &there) == 0 && locked.st_ino == there.st_ino;
}

// `tail`: of the trial that hands over to it; invalid if the links run it.
Result<Done> putPolicyBack(const Folder& folder, const std::optional<Installed>& live, const Fd& tail,
                           const Target& target) {
  const auto program = openProgram(folder, live->generation);
  if (!program)
    return program.error();
  if (tail)
    return kernel::handOverTo(tail, *program);
  const auto changed = change(folder, live, *program, {.to = {live->generation}, .netns = target.netns});
  return changed ? Result<Done>(Done{}) : changed.error();
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
    const auto place = locate(target);
    if (!place)
      return place.error();
    auto load = loadCapture(*generation, request);
    if (!load)
      return load.error();
    Tap tap(target, place->device, std::move(*generation), std::move(*load));
    if (auto listening = tap.listen(sink); !listening)
      return listening.error();
    if (auto put = tap.putInPlace(locked->live); !put)
      return put.error();
    if (sink.policy) {
      LivePolicy policy;
      policy.device = place->device;
      policy.manifest = tap.generation_.manifest;
      policy.folder = tap.generation_.folder;
      sink.policy(policy);
    }
    return tap;
  }

  Tap(Tap&&) = default;
  ~Tap() {
    if (in_place_)
      (void)takeOut();
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
    return (*live)->program_id == links_run_ && !trialIsOver(**live) ? Life::same : Life::swapped;
  }

  // The policy itself is back, unless another one took the place meanwhile; and what was copied is handed over.
  Result<CaptureTotals> finish() {
    if (auto out = takeOut(); !out)
      return out.error();
    if (auto drained = ring_->drain(); !drained)
      return drained.error();
    abi::CaptureState state{};
    if (auto read = load_.policy.maps->read(load_.state_map, 0, {reinterpret_cast<uint8_t*>(&state), sizeof state});
        !read)
      return KernelError{.code = read.error().code, .message = read.error().message};
    return CaptureTotals{state.matched, state.lost};
  }

private:
  Tap(Target target, kernel::Device device, Generation generation, CaptureLoad load)
      : target_(std::move(target)), device_(std::move(device)), generation_(std::move(generation)),
        load_(std::move(load)), in_place_(false) {}

  static Result<Done> mayCapture(Instance& locked, const Target& target) {
    const std::string& device = locked.device;
    if (auto restored = restore(locked, target); !restored)
      return restored;
    if (!locked.live)
      return nothingAttached(device);
    if (isCaptured(locked.folder, *locked.live))
      return KernelError{ErrorKind::busy, EWOULDBLOCK, fmt::format("somebody else already captures on `{}`", device)};
    return Done{};
  }

  Result<Done> listen(const FrameSink& sink) {
    auto ring = kernel::EventRing::open(load_.policy.maps->fd(load_.frames_map),
                                        [frame = sink.frame](std::span<const uint8_t> record) {
                                          abi::FrameHeader header;
                                          if (record.size() < sizeof header)
                                            return;
                                          std::memcpy(&header, record.data(), sizeof header);
                                          const auto bytes = record.subspan(sizeof header);
                                          frame(header, bytes.first(std::min<size_t>(header.captured, bytes.size())));
                                        });
    if (!ring)
      return ring.error();
    ring_ = std::move(*ring);
    return Done{};
  }

  Result<Done> putInPlace(const std::optional<Installed>& live) {
    if (auto pinned = pin(); !pinned)
      return pinned;
    auto put = renew();
    if (put)
      put = live->trial ? putIntoTrial(*live) : putOnLinks(live);
    in_place_.value = put.ok();
    if (!put && access(generation_.folder.intent().c_str(), F_OK) != 0) // else what undoes it needs the pin
      removeCapture(generation_.folder, generation_.number);
    return put;
  }

  Result<Done> pin() {
    const auto path = capturePath(generation_.folder, generation_.number);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return kernel::systemError(fmt::format("cannot make `{}`", path.string()), errno);
    lock_ = lockCapture(path);
    unlink((path / "prog").c_str());
    if (lock_ && bpf_obj_pin(load_.policy.program.get(), (path / "prog").c_str()) == 0) {
      // Who may see what runs knows it by its pin.
      shareAsFolder(generation_.folder, path);
      shareAsFolder(generation_.folder, path / "prog");
      return Done{};
    }
    const int code = errno;
    removeCapture(generation_.folder, generation_.number);
    return kernel::systemError("cannot pin the capture", code);
  }

  Result<Done> putOnLinks(const std::optional<Installed>& live) {
    links_run_ = load_.policy.info.id;
    const auto changed = change(generation_.folder, live, load_.policy.program,
                                {.to = {generation_.number, false, true}, .netns = target_.netns});
    return changed ? Result<Done>(Done{}) : changed.error();
  }

  // The links keep the trial's own program, which knows the deadline.
  Result<Done> putIntoTrial(const Installed& live) {
    links_run_ = live.program_id;
    auto tail = openTail(generation_.folder, generation_.number);
    if (!tail)
      return tail.error();
    tail_ = std::move(*tail);
    return kernel::handOverTo(tail_, load_.policy.program);
  }

  Result<Done> takeOut() {
    in_place_.value = false;
    if (auto ended = lease(0); !ended)
      return ended;
    const auto folder_lock = lockFolder(generation_.folder, device_.name, IfMissing::fail);
    if (!folder_lock)
      return folder_lock.error().kind == ErrorKind::not_found ? Result<Done>(Done{}) : folder_lock.error();
    const auto live = installed(generation_.folder);
    if (!live)
      return live.error();
    if (*live && (*live)->program_id == links_run_)
      if (auto back = putPolicyBack(generation_.folder, *live, tail_, target_); !back)
        return back;
    // A confirmed trial may be somebody else's capture by now.
    if (isLockOf(lock_, capturePath(generation_.folder, generation_.number)))
      removeCapture(generation_.folder, generation_.number);
    return Done{};
  }

  Result<Done> lease(uint64_t until) {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&until), sizeof until);
    if (auto written = load_.policy.maps->write(load_.state_map, offsetof(abi::CaptureState, lease_ns), bytes);
        !written)
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
  CaptureLoad load_;
  uint32_t links_run_ = 0; // a program's id: the capture's, or that of the trial which hands over to it
  Fd tail_;                // of the trial
  Fd lock_;
  std::unique_ptr<kernel::EventRing> ring_;
  Flag in_place_;
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
    return Done{}; // there is none, or it is alive
  Fd tail;
  if (instance.live->trial) {
    auto opened = openTail(folder, number);
    if (!opened)
      return opened.error();
    tail = std::move(*opened);
  }
  if (auto back = putPolicyBack(folder, instance.live, tail, target); !back)
    return back;
  removeCapture(folder, number);
  auto now = installed(folder);
  if (!now)
    return now.error();
  instance.live = std::move(*now);
  return Done{};
}

} // namespace xdpc::swap
