// Makes the plan: needs, then state, then scans of payloads and the choice of lookups.
#include "compiler/plan/plan.h"
#include "compiler/plan/needs.h"
#include "compiler/plan/scan.h"
#include "compiler/plan/state.h"

namespace xdpc::plan {
namespace {

// Beyond this many intervals the tree is a function: copies in every leaf of the parser would cost more than the call.
constexpr size_t kInlineIntervals = 16;

ConstSetKind chooseLookup(const ir::ConstSet& set) {
  if (set.parts.size() > 1)
    return ConstSetKind::tuples;
  return set.elements.size() <= kInlineIntervals ? ConstSetKind::compares : ConstSetKind::function;
}

std::string baseName(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

} // namespace

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
  for (const ir::ConstSet& set : policy.const_sets)
    program.const_sets.push_back(chooseLookup(set));
  if (emitter.errorCount() > errors)
    return std::nullopt;
  program.manifest_json = abi::toJson(program.manifest);
  return program;
}

} // namespace xdpc::plan
