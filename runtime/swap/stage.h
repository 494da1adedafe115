// Staging a policy: everything up to the update that decides. Loaded, filled and pinned, and nothing on any device has
// changed. Entry point: stage. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#pragma once

#include "runtime/kernel/trial_program.h"
#include "runtime/object/object.h"
#include "runtime/swap/contents.h"
#include "runtime/swap/generation.h"
#include "runtime/swap/intent.h"
#include "runtime/swap/match.h"

#include <optional>
#include <span>
#include <utility>

namespace xdpc::swap {

// What is to run. `groundwork`: where it was laid ahead, while the object was still being compiled. `elf`: the file
// that the object was read from; without it the policy cannot be saved, nor the contents of its sets be replaced.
struct Candidate {
  const object::Object& object;
  std::optional<kernel::Groundwork> groundwork;
  std::span<const uint8_t> elf = {};
};

// A pinned generation that goes away again unless it is kept.
class Staged {
public:
  Staged(Folder folder, uint32_t number, kernel::LoadedPolicy policy)
      : folder_(std::move(folder)), number_(number), policy_(std::move(policy)) {}
  Staged(Staged&& other) noexcept;
  ~Staged();
  void keep() { keep_ = true; }
  uint32_t number() const { return number_; }
  kernel::LoadedPolicy& policy() { return policy_; }

  // From now on it is a trial that is put on the links. `previous` may be invalid.
  Result<Done> makeTrial(const kernel::Fd& previous, uint64_t deadline_ns);
  const kernel::Fd& program() const { return trial_ ? trial_->program : policy_.program; }
  Running running() const { return {number_, trial_.has_value()}; }
  Result<Done> finish() const; // it runs

private:
  Folder folder_;
  uint32_t number_;
  kernel::LoadedPolicy policy_;
  std::optional<kernel::TrialProgram> trial_;
  bool keep_ = false;
};

// `from`: whose state it is to carry on, or null. `contents`: what these sets hold, instead of what they declare or
// held.
Result<Staged> stage(Candidate& candidate, const Target& target, const Folder& folder, uint32_t number,
                     const Generation* from, Reset reset, std::span<const SetContents> contents);

} // namespace xdpc::swap
