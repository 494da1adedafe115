// The intent of a change on several devices: from which program to which, pinned in the instance's folder as `intent`
// before the first link is updated, so that the next command can finish it or undo it. Afterwards it is `devices`, by
// which an instance knows the names of devices that are gone. User space alone writes it, under the lock. Tested in
// tests/runtime/instance_test.cpp and tests/live/crash.py.
#pragma once

#include "runtime/kernel/mapped_array.h"
#include "runtime/swap/folder.h"

#include <net/if.h>
#include <optional>
#include <span>
#include <string>

namespace xdpc::swap {

// A generation's program, that of its trial, or its load that captures. Generation 0: none.
struct Running {
  uint32_t generation = 0;
  bool trial = false;
  bool capture = false;
  bool operator==(const Running&) const = default;
};

// Which of a generation's programs.
enum class Load : uint32_t { own, trial, capture };
inline uint32_t loadOf(const Running& running) {
  return static_cast<uint32_t>(running.trial ? Load::trial : running.capture ? Load::capture : Load::own);
}
inline Running runningOf(uint32_t generation, uint32_t load) {
  return {generation, load == static_cast<uint32_t>(Load::trial), load == static_cast<uint32_t>(Load::capture)};
}

enum class Direction : uint64_t { forward, back };

// What becomes of counts of the new program when a change is undone.
enum class Undo : uint32_t {
  add,    // they are added to those of the program before
  forget, // that one adds them anyway, as it was a trial's, and was to hand its own over
};

struct IntentHead {
  uint64_t version;
  uint64_t direction;                                          // Direction
  uint32_t from_generation, from_load, to_generation, to_load; // Load
  uint32_t undo;                                               // Undo
  uint32_t devices;                                            // IntentDevice each, behind this
  uint64_t before; // LedgerHead::from of the generation that the change comes from
};
struct IntentDevice {
  uint32_t ifindex;
  uint32_t joins;      // 1: it has no link yet
  uint32_t mode;       // Mode, of one that joins
  uint32_t program_id; // that its link ran
  char name[IF_NAMESIZE];
};

class Intent {
public:
  static Result<Intent> create(const IntentHead& head, std::span<const IntentDevice> devices);
  Result<Done> pin(const Folder& folder) const;

  IntentHead& head() const { return *reinterpret_cast<IntentHead*>(map_.bytes().data()); }
  std::span<IntentDevice> devices() const;
  Running from() const { return runningOf(head().from_generation, head().from_load); }
  Running to() const { return runningOf(head().to_generation, head().to_load); }
  bool goesBack() const { return head().direction == static_cast<uint64_t>(Direction::back); }
  void goBack() const { head().direction = static_cast<uint64_t>(Direction::back); }
  const IntentDevice* device(uint32_t ifindex) const;

private:
  friend Result<std::optional<Intent>> openIntent(const std::filesystem::path& path);
  explicit Intent(kernel::MappedArray map) : map_(std::move(map)) {}
  kernel::MappedArray map_;
};

// Of a change that is not finished; nothing if there is none.
Result<std::optional<Intent>> pendingIntent(const Folder& folder);
// The change is done: all devices run one program.
Result<Done> closeIntent(const Folder& folder);
// Nothing is to remind of the change that was undone.
Result<Done> dropIntent(const Folder& folder);

// Name of a device as it was when it last took part in a change of several, or `#7`.
std::string rememberedName(const Folder& folder, uint32_t ifindex);

} // namespace xdpc::swap
