// `default drop` without a rule for ARP or neighbour discovery: the host vanishes from its own network, a while after
// the policy was attached.
#include "compiler/analysis/presence.h"
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::analysis {
namespace {

bool passes(ir::Verdict verdict) {
  return verdict != ir::Verdict::Drop && verdict != ir::Verdict::Abort;
}

bool mayPass(const ir::Block& block) {
  if (block.verdict && passes(*block.verdict))
    return true;
  return std::any_of(block.steps.begin(), block.steps.end(), [](const ir::Step& step) {
    return !step.branch.empty() && (mayPass(step.branch[0].then) || mayPass(step.branch[0].otherwise));
  });
}

// Some rule may let through what has the header.
bool mayPass(const ir::Policy& policy, const Presence& presence, const char* name) {
  const auto header = headerByName(policy, name);
  return header && std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) {
           return mayPass(rule.otherwise) ||
                  (mayPass(rule.body) && (!rule.condition || presence.mayHold(*rule.condition, *header)));
         });
}

} // namespace

void warnOfNeighbors(const ir::Policy& policy, diag::Emitter& emitter) {
  const ir::Block& otherwise = policy.rules.back().body;
  if (mayPass(otherwise) || !otherwise.verdict)
    return;
  const Presence presence(policy);
  const bool arp = mayPass(policy, presence, "ipv4") && !mayPass(policy, presence, "arp");
  const bool nd = mayPass(policy, presence, "ipv6") && !mayPass(policy, presence, "icmp6");
  if (!arp && !nd)
    return;
  const char* what = arp && nd ? "ARP and neighbour discovery" : arp ? "ARP" : "neighbour discovery";
  const char* condition = arp && nd ? "arp or nd" : arp ? "arp" : "nd";
  diag::Diagnostic& warning =
      emitter.report(diag::Id::no_neighbors, otherwise.verdict_span,
                     fmt::format("{} {} dropped: the host becomes unreachable", what, arp && nd ? "are" : "is"));
  warning.help = fmt::format("begin with `neighbors: pass when {}`", condition);
  const ir::Rule& first = policy.rules.front();
  if (first.span.file == policy.source)
    warning.fixits.push_back({{first.span.file, first.span.begin, first.span.begin},
                              fmt::format("neighbors: pass when {}\n    ", condition)});
}

} // namespace xdpc::analysis
