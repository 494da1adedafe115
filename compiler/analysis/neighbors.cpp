// `default drop` without a rule for ARP or neighbour discovery: the host vanishes from its own network, a while after
// the policy was attached.
#include "compiler/analysis/outcomes.h"
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

namespace xdpc::analysis {
namespace {

// Some rule may let packets of the kind through, before one drops all of them.
bool mayPass(const ir::Policy& policy, const std::vector<Outcome>& outcomes, const PacketKind& kind) {
  for (const Outcome& outcome : outcomes) {
    const Truth reached = reaches(policy, kind, outcome);
    if (reached != Truth::no && passes(outcome))
      return true;
    if (reached == Truth::yes)
      return false;
  }
  return false;
}

class Neighbors {
public:
  explicit Neighbors(const ir::Policy& policy) : policy_(policy), presence_(policy), outcomes_(outcomesOf(policy)) {}

  bool lacksArp() const { return passesAny("ipv4") && !passesAny("arp"); }

  bool lacksDiscovery() const {
    const auto icmp6 = headerByName(policy_, "icmp6");
    return icmp6 && passesAny("ipv6") && !mayPass(policy_, outcomes_, neighborDiscovery(policy_, presence_, *icmp6));
  }

private:
  bool passesAny(const char* name) const {
    const auto header = headerByName(policy_, name);
    return header && mayPass(policy_, outcomes_, packetsWith(policy_, presence_, *header));
  }

  const ir::Policy& policy_;
  Presence presence_;
  std::vector<Outcome> outcomes_;
};

} // namespace

void warnOfNeighbors(const ir::Policy& policy, diag::Emitter& emitter) {
  const ir::Block& otherwise = policy.rules.back().body;
  if (otherwise.verdict != ir::Verdict::Drop && otherwise.verdict != ir::Verdict::Abort)
    return;
  const Neighbors neighbors(policy);
  const bool arp = neighbors.lacksArp(), nd = neighbors.lacksDiscovery();
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
