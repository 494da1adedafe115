// What commands that change something say with --json: a line, once it is done. Tested by tests/live/change_json.py.
#pragma once

#include "runtime/swap/attach.h"
#include "runtime/swap/detach.h"
#include "runtime/swap/trial.h"

#include <optional>
#include <string>

namespace xdpc::driver {

struct AttachedPolicy {
  std::string name;
  std::optional<uint64_t> trial_ns; // it is on trial for so long
  std::optional<size_t> elements;   // of sets, that were put back with it
};
std::string attachedJson(const swap::Attachment& attached, const AttachedPolicy& policy);
std::string detachedJson(const swap::Detached& detached);
std::string confirmedJson(const swap::Confirmation& confirmed);
std::string returnedJson(const swap::Return& back);

} // namespace xdpc::driver
