// Which headers a policy needs parsed.
#include "compiler/plan/needs.h"
#include "compiler/ir/bounds.h"
#include "compiler/ir/checksum.h"
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
    program_.packets.assign(program_.policy->packets, {});
    met_.assign(headers_.size(), false);
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (headers_[id].kind == ir::HeaderKind::alternatives && headers_[id].name == "ip")
        program_.ip = id;
    visitRules(
        *program_.policy, [&](const ir::Expr& expr) { askFor(expr); },
        [&](const ir::Action& action) {
          for (ir::HeaderId header : action.needs)
            ask(header);
          for (ir::HeaderId header : ir::changedByAssign(*program_.policy, action))
            askForChecksum(header);
          program_.rewrites |= action.kind == ir::ActionKind::Assign;
        });
    if (program_.needs_malformed || program_.needs_unparsed)
      checkOutermost();
    noteBeforeIp();
    if (program_.needs_unparsed)
      meetInnermostTunnels();
    findWalked();
    traceFragments();
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      program_.headers[id].end = lastByteOf(id);
  }

private:
  void ask(ir::HeaderId id) {
    if (headers_[id].kind == ir::HeaderKind::alternatives) {
      for (ir::HeaderId alternative : headers_[id].alternatives) {
        program_.headers[alternative].united = true;
        ask(alternative);
      }
      return;
    }
    if (program_.headers[id].asked)
      return;
    program_.headers[id].asked = met_[id] = true;
    if (headers_[id].kind == ir::HeaderKind::later) {
      ask(headers_[id].after);
      met_[headers_[id].of] = true;
    }
    if (headers_[id].kind == ir::HeaderKind::part || headers_[id].kind == ir::HeaderKind::option)
      askForPart(headers_[id]);
  }

  // A part's condition and place may speak of parts before it. A part of a later header is there where that one is.
  void askForPart(const ir::Header& part) {
    if (headers_[part.of].kind == ir::HeaderKind::later)
      ask(part.of);
    met_[part.of] = true;
    for (const auto& expr : {part.when, part.start})
      if (expr)
        visitExpr(*expr, [&](const ir::Expr& one) {
          if (one.header != part.of && (one.kind == ir::ExprKind::Field || one.kind == ir::ExprKind::Present))
            ask(one.header);
        });
  }

  // Both families, of the packet.
  void askIp(uint32_t packet) {
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (headers_[id].packet == packet && headers_[id].kind == ir::HeaderKind::plain && program_.isIp(id))
        ask(id);
  }

  std::vector<ir::HeaderId> plainHeaders(ir::HeaderId id) const {
    const auto& alternatives = headers_[id].alternatives;
    return alternatives.empty() ? std::vector<ir::HeaderId>{id} : alternatives;
  }

  // A CRC changes with the number of bytes behind what changed.
  void askForChecksum(ir::HeaderId id) {
    ask(id);
    if (headers_[id].checksum && headers_[id].checksum->coverage == ir::Coverage::crc32c)
      program_.packets[headers_[id].packet].payload_length = true;
  }

  // IP says where it ends.
  void askForPayload(ir::HeaderId id) {
    ask(id);
    for (ir::HeaderId one : plainHeaders(id)) {
      program_.packets[headers_[one].packet].payload_length = true;
      askIp(headers_[one].packet);
    }
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
      program_.packets[headers_[expr.header].packet].last_protocol = true;
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

  void noteBeforeIp() {
    noteBeforeIp(0);
    for (const ir::Header& header : headers_)
      for (const ir::Inner& inner : header.inner)
        noteBeforeIp(inner.entered);
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (headers_[id].kind == ir::HeaderKind::later)
        program_.headers[id].before_ip = program_.headers[headers_[id].of].before_ip;
  }

  void noteBeforeIp(ir::HeaderId id) {
    if (program_.isIp(id) || std::exchange(program_.headers[id].before_ip, true))
      return;
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (!entry.tunnel)
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
        if (!entry.tunnel)
          check(entry.next, behind_network || program_.isIp(id), seen);
  }

  bool hasTunnel(ir::HeaderId id) const {
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (entry.tunnel)
          return true;
    return false;
  }

  // Where names reach to the stated depth, the walk looks for one tunnel more.
  void meetInnermostTunnels() {
    std::vector<unsigned> depth(program_.packets.size(), 0);
    for (const ir::Header& header : headers_) // packets are numbered from the outside
      for (const ir::Inner& inner : header.inner)
        depth[headers_[inner.entered].packet] = depth[header.packet] + 1;
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (depth[headers_[id].packet] == kMaxTunnels && hasTunnel(id)) {
        program_.packets[headers_[id].packet].innermost = true;
        met_[id] = true;
      }
  }

  // A header is walked if it, or anything that can follow it, is asked for, checked or met.
  void findWalked() {
    std::vector<bool> useful(headers_.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (ir::HeaderId id = 0; id < headers_.size(); ++id) {
        const bool now = useful[id] || met_[id] || program_.headers[id].checked || leadsTo(id, useful);
        changed |= now != useful[id];
        useful[id] = now;
      }
    }
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      program_.headers[id].walked = id == 0 || useful[id];
  }

  bool leadsTo(ir::HeaderId id, const std::vector<bool>& useful) const {
    for (const ir::PayloadBy& payload : headers_[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (!entry.tunnel && useful[entry.next])
          return true;
    for (const ir::Inner& inner : headers_[id].inner)
      if (useful[inner.entered])
        return true;
    return false;
  }

  // A fragmented packet has no inner one: where a tunnel is followed, the walk has to know fragments.
  void traceFragments() {
    for (const ir::Header& header : headers_)
      for (const ir::Inner& inner : header.inner)
        if (program_.headers[inner.entered].walked)
          program_.packets[header.packet].tunnels = true;
    for (ir::HeaderId id = 0; id < headers_.size(); ++id) {
      if (!program_.isIp(id) || !program_.packets[headers_[id].packet].tunnels)
        continue;
      for (const ir::Field& field : headers_[id].fields)
        if (field.name == "fragment" && field.derived)
          visitExpr(*field.derived, [&](const ir::Expr& part) {
            if (part.kind == ir::ExprKind::Present)
              program_.headers[part.header].traced = true;
          });
    }
  }

  // The walk checks each header in a tunnel, and bounds the extension chain as a whole.
  uint64_t lastByteOf(ir::HeaderId id) {
    if (headers_[id].packet > 0)
      return UINT32_MAX;
    return headers_[id].kind == ir::HeaderKind::extension ? 0 : endOf(id);
  }

  // The most bytes from the frame's start to the header's end, in the outermost packet.
  uint64_t endOf(ir::HeaderId id) {
    if (const auto known = ends_.find(id); known != ends_.end())
      return known->second;
    ends_[id] = 0; // a header that follows itself
    uint64_t start = 0;
    unsigned times = 1;
    for (ir::HeaderId before = 0; before < headers_.size(); ++before)
      for (const ir::PayloadBy& payload : headers_[before].payload)
        for (const ir::PayloadEntry& entry : payload.entries) {
          if (entry.next == id && !entry.tunnel && before != id && program_.headers[before].walked)
            start = std::max(start, endOf(before) + (hasExtensions(before) ? kMaxExtensionBytes : 0));
          if (entry.next == id && before == id)
            times = maxRepeats(*program_.policy, id);
        }
    const auto& size = headers_[id].size;
    const uint64_t most = size ? ir::largestValue(*program_.policy, *size) : headers_[id].min_size;
    return ends_[id] = start + times * std::min<uint64_t>(most, UINT32_MAX);
  }

  bool hasExtensions(ir::HeaderId id) const {
    for (const ir::Header& header : headers_)
      if (header.extension_of == id)
        return true;
    return false;
  }

  Program& program_;
  const std::vector<ir::Header>& headers_;
  std::vector<bool> met_; // by HeaderId: the walk has to come there
  std::map<ir::HeaderId, uint64_t> ends_;
};

} // namespace

bool Program::isIp(ir::HeaderId id) const {
  if (!ip || policy->headers[id].kind != ir::HeaderKind::plain)
    return false;
  const auto& both = policy->headers[*ip].alternatives;
  return std::find(both.begin(), both.end(), policy->headers[id].declared) != both.end();
}

std::optional<ir::HeaderId> Program::next(ir::HeaderId id, const ir::PayloadEntry& entry) const {
  std::optional<ir::HeaderId> next = entry.next;
  if (entry.tunnel) {
    next.reset();
    for (const ir::Inner& inner : policy->headers[id].inner)
      if (inner.declared == entry.next)
        next = inner.entered;
  }
  return next && headers[*next].walked ? next : std::nullopt;
}

unsigned maxRepeats(const ir::Policy& policy, ir::HeaderId header) {
  for (const ir::PayloadBy& payload : policy.headers[header].payload)
    if (!payload.by && payload.entries.front().next == header)
      return kMaxLabels;
  return kMaxRepeats;
}

void findNeeds(Program& program) {
  Needs(program).run();
}

} // namespace xdpc::plan
