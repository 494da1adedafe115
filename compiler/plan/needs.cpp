// Which headers a policy needs parsed.
#include "compiler/plan/needs.h"
#include "compiler/plan/visit.h"

#include <algorithm>
#include <set>
#include <utility>

namespace xdpc::plan {
namespace {

class Needs {
public:
  explicit Needs(Program& program) : program_(program), headers_(program.policy->headers) {}

  void run() {
    program_.headers.assign(headers_.size(), {});
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (headers_[id].kind == ir::HeaderKind::alternatives && headers_[id].name == "ip")
        program_.ip = id;
    visitRules(
        *program_.policy, [&](const ir::Expr& expr) { askFor(expr); },
        [&](const ir::Action& action) {
          for (ir::HeaderId header : action.needs)
            ask(header);
        });
    if (program_.needs_malformed || program_.needs_unparsed)
      checkOutermost();
    noteBeforeIp(0);
    program_.headers[0].walked = true;
    std::set<ir::HeaderId> path;
    walk(0, path);
  }

private:
  void ask(ir::HeaderId id) {
    if (headers_[id].kind == ir::HeaderKind::alternatives) {
      for (ir::HeaderId alternative : headers_[id].alternatives)
        ask(alternative);
      return;
    }
    program_.headers[id].asked = true;
  }

  // IP says where it ends.
  void askForPayload(ir::HeaderId id) {
    ask(id);
    if (program_.ip)
      ask(*program_.ip);
  }

  void askFor(const ir::Expr& expr) {
    switch (expr.kind) {
    case ir::ExprKind::Present:
      return ask(expr.header);
    case ir::ExprKind::Field:
      ask(expr.header);
      return askForDerived(expr);
    case ir::ExprKind::PayloadLength:
      return askForPayload(expr.header);
    case ir::ExprKind::Payload:
    case ir::ExprKind::HasBytes:
    case ir::ExprKind::Slice:
    case ir::ExprKind::Contains: {
      auto& headers = program_.payload_headers;
      if (std::find(headers.begin(), headers.end(), expr.header) == headers.end())
        headers.push_back(expr.header);
      return askForPayload(expr.header);
    }
    case ir::ExprKind::LastProtocol:
      return ask(expr.header);
    case ir::ExprKind::Packet:
      program_.needs_malformed |= expr.packet == ir::PacketField::Malformed;
      program_.needs_unparsed |= expr.packet == ir::PacketField::Unparsed;
      return;
    default:
      return;
    }
  }

  // A derived field reads other headers, too: ipv6.fragment looks at the fragment header.
  void askForDerived(const ir::Expr& expr) {
    const ir::Header& header = headers_[expr.header];
    const ir::Field& field = header.fields[expr.field];
    if (header.kind == ir::HeaderKind::alternatives) {
      for (size_t i = 0; i < header.alternatives.size(); ++i)
        askForDerivedField(header.alternatives[i], field.alternatives[i]);
      return;
    }
    askForDerivedField(expr.header, expr.field);
  }

  void askForDerivedField(ir::HeaderId header, ir::FieldId id) {
    const ir::Field& field = headers_[header].fields[id];
    if (field.derived)
      visitExpr(*field.derived, [&](const ir::Expr& part) {
        // A field of the header itself would recurse for ever only if sema let a cycle through.
        if (part.kind != ir::ExprKind::Field || part.header != header)
          askFor(part);
      });
  }

  // pkt.malformed covers Ethernet to transport: what hangs below a transport header does not belong to it.
  void checkOutermost() {
    std::set<ir::HeaderId> seen;
    check(0, false, seen);
  }

  bool isNetwork(ir::HeaderId id) const {
    if (!program_.ip)
      return false;
    for (ir::HeaderId alternative : headers_[*program_.ip].alternatives)
      if (alternative == id)
        return true;
    return false;
  }

  void noteBeforeIp(ir::HeaderId id) {
    if (isNetwork(id) || std::exchange(program_.headers[id].before_ip, true))
      return;
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        noteBeforeIp(entry.next);
  }

  void check(ir::HeaderId id, bool behind_network, std::set<ir::HeaderId>& seen) {
    if (headers_[id].kind == ir::HeaderKind::tunnel || !seen.insert(id).second)
      return;
    program_.headers[id].checked = true;
    if (behind_network && headers_[id].kind != ir::HeaderKind::extension)
      return;
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        check(entry.next, behind_network || isNetwork(id), seen);
  }

  // A header is walked if it, or anything that can follow it, is asked for or checked.
  bool walk(ir::HeaderId id, std::set<ir::HeaderId>& path) {
    if (!path.insert(id).second)
      return false;
    HeaderPlan& plan = program_.headers[id];
    bool useful = plan.asked || plan.checked;
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        useful |= walk(entry.next, path);
    path.erase(id);
    plan.walked |= useful;
    return useful;
  }

  Program& program_;
  const std::vector<ir::Header>& headers_;
};

} // namespace

void findNeeds(Program& program) {
  Needs(program).run();
}

} // namespace xdpc::plan
