// Which headers a packet can have together, from the declarations: what `payload by` reaches. Errs towards "can".
// Tested by tests/lit/warn/never_matches.xf. Answers are kept: rules ask the same ones again and again.
#pragma once

#include "compiler/ir/intervals.h"

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace xdpc::analysis {

class Presence {
public:
  explicit Presence(const ir::Policy& policy);

  bool exclude(ir::HeaderId one, ir::HeaderId other) const; // no packet has both
  bool implies(ir::HeaderId one, ir::HeaderId other) const; // the other is there with it: itself, or a union of it
  bool canOccur(ir::HeaderId header) const;                 // by this name: not only behind a tunnel
  bool canFollow(ir::HeaderId ip, ir::HeaderId next) const; // in the same packet, at some distance
  // Of a field such as `ip.proto`, with a header that only such a field leads to: the numbers that do. Nothing where
  // there are other ways to the header.
  const std::optional<ir::Intervals>& selecting(const ir::Expr& field, ir::HeaderId next) const;

private:
  bool findExclude(ir::HeaderId one, ir::HeaderId other) const;
  bool findImplies(ir::HeaderId one, ir::HeaderId other) const;
  std::optional<ir::Intervals> findSelecting(const ir::Expr& field, ir::HeaderId next) const;
  void reach(ir::HeaderId from, ir::HeaderId header);
  using Choosers = std::map<ir::HeaderId, ir::FieldId>; // tables of a header, by the field that they look at
  std::optional<ir::FieldId> chooser(ir::HeaderId header, ir::FieldId field) const;
  std::optional<Choosers> choosers(const ir::Expr& field) const;
  bool collect(const Choosers& tables, ir::HeaderId header, std::set<ir::HeaderId>& wanted,
               ir::Intervals& numbers) const;
  const std::vector<ir::HeaderId>& plain(ir::HeaderId header) const { return plain_[header]; }
  std::vector<ir::HeaderId> findPlain(ir::HeaderId header) const;

  const ir::Policy& policy_;
  std::vector<std::vector<ir::HeaderId>> plain_; // by header: the alternatives of a union, else itself
  std::vector<std::vector<bool>> reaches_;       // [a][b]: b can follow a, at some distance
  mutable std::unordered_map<uint64_t, bool> excludes_, implies_;
  mutable std::map<std::pair<uint64_t, ir::HeaderId>, std::optional<ir::Intervals>> selecting_;
};

std::optional<ir::HeaderId> headerByName(const ir::Policy& policy, const char* name);

} // namespace xdpc::analysis
