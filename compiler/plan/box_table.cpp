// From tuples to boxes, and to the trees over them.
#include "compiler/plan/box_table.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <map>

namespace xdpc::plan {
namespace {

constexpr uint32_t kNoBody = XDP_PASS; // what a result says besides the slot is not looked at

ClassifierValue valueOf(const ir::Type& type, ir::Domain domain) {
  ClassifierValue value;
  value.expr.type = type;
  if (domain != ir::Domain::number)
    value.expr.type = {domain == ir::Domain::v4 ? ir::TypeKind::Ipv4 : ir::TypeKind::Ipv6};
  constexpr unsigned mac_bits = 48;
  value.bits = type.kind == ir::TypeKind::Mac ? mac_bits : type.bits;
  return value;
}

std::vector<ir::Domain> domainsOf(const Box& box) {
  std::vector<ir::Domain> domains;
  for (const ir::Interval& part : box)
    domains.push_back(part.domain);
  return domains;
}

bool buildShape(const std::vector<const Box*>& boxes, const std::vector<RunRule>& rules, BoxShape& made,
                ViewWriter& writer) {
  Shape shape(made.tree, {}, {});
  shape.signatures = {0};
  for (uint32_t number = 0; number < boxes.size(); ++number) {
    if (domainsOf(*boxes[number]) != made.domains)
      continue;
    Conjunction box;
    for (uint32_t part = 0; part < boxes[number]->size(); ++part)
      box.values.push_back({part, {(*boxes[number])[part]}});
    shape.add(number, box);
  }
  if (shape.lanes().size() > kMaxTreeLanes)
    return false;
  ViewTables tables;
  return makeView(rules, shape, made.tree, tables) && writer.write(made.tree.views[0], tables, made.tree.bytes);
}

} // namespace

std::optional<BoxTable> makeBoxTable(const std::vector<const Box*>& boxes, const std::vector<ir::Type>& parts,
                                     Span place, ViewWriter& writer) {
  if (boxes.size() >= ClassifierResult::kMaxSlots)
    return std::nullopt;
  BoxTable table{.shapes = {}, .place = place, .values = {}, .count = boxes.size()};
  std::vector<RunRule> rules;
  for (uint32_t number = 0; number < boxes.size(); ++number) {
    rules.push_back({.boxes = {}, .slot = number, .body = kNoBody});
    std::vector<ir::Domain> domains = domainsOf(*boxes[number]);
    if (std::ranges::find(table.shapes, domains, &BoxShape::domains) != table.shapes.end())
      continue;
    BoxShape& shape = table.shapes.emplace_back();
    for (size_t part = 0; part < parts.size(); ++part)
      shape.tree.values.push_back(valueOf(parts[part], domains[part]));
    shape.domains = std::move(domains);
  }
  for (BoxShape& shape : table.shapes) {
    if (!buildShape(boxes, rules, shape, writer))
      return std::nullopt;
    table.bytes += shape.tree.bytes;
    table.ns = std::max(table.ns, shape.tree.views[0].nanoseconds);
  }
  return table;
}

std::string describe(const BoxTable& table) {
  return fmt::format("a cut tree, {} KiB, about {:.0f} ns", (table.bytes + 1023) / 1024, table.ns);
}

namespace {

const BoxTable* find(const Program& program, const std::map<uint32_t, uint32_t>& tables, uint32_t id) {
  const auto found = tables.find(id);
  return found == tables.end() ? nullptr : &program.boxes[found->second];
}

} // namespace

const BoxTable* boxTable(const Program& program, ir::ConstSetId id) {
  return find(program, program.const_boxes, id);
}

const BoxTable* mapBoxTable(const Program& program, ir::MapId id) {
  return find(program, program.map_boxes, id);
}

} // namespace xdpc::plan
