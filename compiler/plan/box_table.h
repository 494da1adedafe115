// Constant sets and maps of tuples with ranges or prefixes in them: cut trees over the tuples as boxes, as for runs of
// rules (classifier.h). Entry point: makeBoxTable. Tested by tests/packet/conditions/tuples.xf and
// tests/packet/maps/tuples.xf.
#pragma once

#include "compiler/plan/classifier_write.h"
#include "compiler/plan/lookup.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::plan {

// The tuples whose parts are of these domains: `tree` has one view, and a root for the signature 0. Its results' slots
// are the numbers of the tuples, from 0.
struct BoxShape {
  std::vector<ir::Domain> domains;
  Classifier tree;
};

struct BoxTable {
  std::vector<BoxShape> shapes;
  Span place;
  Array values; // of a map: by the tuple's number
  uint32_t value_bytes = 0;
  size_t count = 0; // tuples
  uint64_t bytes = 0;
  double ns = 0; // that a lookup is expected to take
};

using Box = std::vector<ir::Interval>; // by part

// The first tuple that holds a key is its answer. `writer` says where the tables lie. Nothing where they are too large.
std::optional<BoxTable> makeBoxTable(const std::vector<const Box*>& boxes, const std::vector<ir::Type>& parts,
                                     Span place, ViewWriter& writer);
std::string describe(const BoxTable& table); // "a cut tree, 12 KB, about 30 ns"

// The table of a constant set or a map; null where it has none.
const BoxTable* boxTable(const Program& program, ir::ConstSetId id);
const BoxTable* mapBoxTable(const Program& program, ir::MapId id);

} // namespace xdpc::plan
