// Makes the plan: needs, then state, then scans of payloads and the choice of lookups.
#include "compiler/plan/plan.h"
#include "compiler/plan/box_table.h"
#include "compiler/plan/classifier.h"
#include "compiler/plan/needs.h"
#include "compiler/plan/scan.h"
#include "compiler/plan/state.h"
#include "compiler/plan/table.h"

namespace xdpc::plan {

Program::Program() = default;
Program::Program(Program&&) noexcept = default;
Program::~Program() = default;

std::optional<Program> makePlan(const ir::Policy& policy, const Options& options, diag::Emitter& emitter) {
  unsigned errors = emitter.errorCount();
  Program program;
  program.policy = &policy;
  program.manifest.policy = policy.name;
  program.manifest.file = policy.source ? baseName(policy.source->name()) : "";
  program.manifest.source_sha256 = options.source_sha256;
  program.manifest.compiler = "xdpc " XDPC_VERSION;
  findNeeds(program);
  planState(program, emitter);
  planScans(program, emitter);
  planTables(program, options.lookup, emitter);
  if (options.tables)
    planClassifiers(program);
  if (emitter.errorCount() > errors)
    return std::nullopt;
  return program;
}

} // namespace xdpc::plan
