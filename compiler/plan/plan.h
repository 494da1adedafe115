// Decides how a policy is carried out, as a whole: which headers are parsed and where their fields lie, which lookup
// serves which set, which maps and slots there are. Entry point: makePlan. Dump: --emit=plan (print.h).
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

#include <optional>
#include <string>

namespace xdpc::plan {

struct Options {
  std::string source_sha256;          // for the manifest
  std::optional<LookupKind> lookup{}; // for tests: taken wherever it fits the keys, whatever it costs
  bool tables = true;                 // runs of rules become classifiers
};

// The program refers to `policy`, which must outlive it. Nothing where a bound is exceeded, which is then in `emitter`.
std::optional<Program> makePlan(const ir::Policy& policy, const Options& options, diag::Emitter& emitter);

} // namespace xdpc::plan
