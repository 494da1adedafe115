// See cost.h. An instruction belongs to the rule or declaration whose text its line information points at; what points
// nowhere else is the parser's and the exit's. A rule's instructions are counted in all leaves of the parser, of which
// a packet meets one.
#include "driver/cost.h"
#include "compiler/plan/box_table.h"
#include "compiler/plan/classifier.h"
#include "compiler/plan/lookup_cost.h"
#include "compiler/plan/print.h"
#include "driver/output.h"
#include "runtime/object/object.h"

#include <linux/bpf.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;
using Place = std::pair<uint32_t, uint32_t>; // line and column

struct Part {
  std::string kind, name;
  Place begin, end;
  std::string file = {}; // a whole file of C; else in the policy's
  uint64_t instructions = 0, calls = 0, lookups = 0;
};

Place placeOf(const SourceFile* file, uint32_t offset) {
  const auto position = Span{file, offset, offset}.position();
  return {position.line, position.column};
}

std::vector<Part> partsOf(const ir::Policy& policy) {
  std::vector<Part> parts = {{"headers", "", {0, 0}, {0, 0}}};
  const auto add = [&](const char* kind, const std::string& name, const Span& span) {
    if (span.file == policy.source)
      parts.push_back({kind, name, placeOf(span.file, span.begin), placeOf(span.file, span.end)});
  };
  for (const ir::Rule& rule : policy.rules)
    add("rule", rule.name, rule.span);
  for (const ir::Set& set : policy.sets)
    add("set", set.name, set.span);
  for (const ir::Meter& meter : policy.meters)
    add("meter", meter.name, meter.span);
  for (const ir::ConstSet& set : policy.const_sets)
    if (!set.name.empty())
      add("const", set.name, set.span);
  for (const ir::Extern& one : policy.externs)
    add("call of", one.name, one.span);
  for (const ir::CModule& one : policy.c_modules)
    parts.push_back({"C in", baseName(one.source->name()), {}, {}, baseName(one.source->name())});
  return parts;
}

// The innermost part around the place: a literal's own comes behind its rule's.
Part& partAt(std::vector<Part>& parts, const object::Line& line) {
  const Place place = {line.line, line.column};
  const auto found = std::find_if(parts.rbegin(), parts.rend(), [&](const Part& part) {
    return part.file == line.file && (!part.file.empty() || (part.begin <= place && place < part.end));
  });
  return found == parts.rend() ? parts.front() : *found;
}

void countInstruction(const object::Instruction& instruction, Part& part) {
  ++part.instructions;
  if (instruction.code != (BPF_JMP | BPF_CALL) || instruction.src != 0)
    return;
  ++part.calls;
  part.lookups += instruction.imm == BPF_FUNC_map_lookup_elem;
}

void countInstructions(const object::Object& object, std::vector<Part>& parts) {
  auto line = object.lines.begin();
  Part* part = &parts.front();
  for (uint32_t i = 0; i < object.program.size(); ++i) {
    for (; line != object.lines.end() && line->instruction <= i; ++line)
      part = &partAt(parts, *line);
    countInstruction(object.program[i], *part);
    i += object.program[i].code == (BPF_LD | BPF_IMM | BPF_DW); // its second half is no instruction
  }
}

const char* perCpu(const abi::Map& map) {
  return map.role == abi::MapRole::counters || map.role == abi::MapRole::scratch ? " a CPU" : "";
}

std::string partName(const Part& part) {
  return part.name.empty() ? "headers and exit" : part.kind + " " + part.name;
}

struct LookupCost {
  std::string name;
  size_t keys = 0;
  uint64_t bytes = 0;
  double ns = 0;
  std::string form;
};

// The lookups of constant sets and maps, one a family.
std::vector<LookupCost> lookupsOf(const plan::Program& program) {
  std::vector<LookupCost> lookups;
  const auto add = [&](const std::string& name, const plan::Tables& tables) {
    for (const auto* table : {&tables.number, &tables.v4, &tables.v6, &tables.tuples})
      if (const auto& one = *table)
        lookups.push_back({name, one->count, one->bytes, one->ns, plan::describe(*one)});
  };
  const auto add_boxes = [&](const std::string& name, const plan::BoxTable* boxes) {
    if (boxes)
      lookups.push_back({name, boxes->count, boxes->bytes, boxes->ns, plan::describe(*boxes)});
  };
  for (ir::ConstSetId id = 0; id < program.const_sets.size(); ++id) {
    const std::string& name = program.policy->const_sets[id].name;
    const std::string text = name.empty() ? fmt::format("set #{}", id) : "set " + name;
    add(text, plan::constTables(program, id));
    add_boxes(text, plan::boxTable(program, id));
  }
  for (ir::MapId id = 0; id < program.map_tables.size(); ++id) {
    const std::string name = "map " + program.policy->maps[id].name;
    add(name, program.map_tables[id]);
    add_boxes(name, plan::mapBoxTable(program, id));
  }
  return lookups;
}

std::string table(const plan::Program& program, const std::vector<Part>& parts, const Part& total) {
  Table costs({"", "instructions", "helper calls", "map lookups"});
  for (const Part& part : parts)
    if (part.instructions > 0 || part.kind == "rule")
      costs.add({partName(part), std::to_string(part.instructions), std::to_string(part.calls),
                 std::to_string(part.lookups)});
  costs.add({"total", std::to_string(total.instructions), std::to_string(total.calls), std::to_string(total.lookups)});
  std::string text = costs.text();
  for (const plan::ScanPlan& scan : program.scans)
    text +=
        fmt::format("a scan looks at up to {} bytes of a payload for {} set{} of patterns, in a table of {} bytes\n",
                    scan.within, scan.sets, scan.sets == 1 ? "" : "s", program.tables.at(scan.map).size());
  for (const LookupCost& lookup : lookupsOf(program))
    text += fmt::format("{} is looked up in {}\n", lookup.name, lookup.form);
  text += plan::classifiersText(program);
  Table maps({"map", "entries", "bytes"});
  uint64_t bytes = 0;
  for (const abi::Map& map : program.manifest.maps) {
    maps.add({map.name + perCpu(map), std::to_string(map.max_entries), std::to_string(bytesOf(map))});
    bytes += bytesOf(map);
  }
  maps.add({"total", "", std::to_string(bytes)});
  return text + maps.text();
}

Json costsOf(const Part& part) {
  return {{"instructions", part.instructions}, {"helper_calls", part.calls}, {"map_lookups", part.lookups}};
}

std::string json(const plan::Program& program, const std::vector<Part>& parts, const Part& total) {
  Json rows = Json::array(), scans = Json::array(), lookups = Json::array(), tables = Json::array(),
       maps = Json::array();
  for (const Part& part : parts) {
    Json row{{"part", part.kind}};
    if (!part.name.empty())
      row["name"] = part.name;
    row.update(costsOf(part));
    rows.push_back(std::move(row));
  }
  for (const plan::ScanPlan& scan : program.scans)
    scans.push_back({{"bytes", scan.within},
                     {"pattern_sets", scan.sets},
                     {"states", scan.states},
                     {"table_bytes", program.tables.at(scan.map).size()}});
  for (const LookupCost& lookup : lookupsOf(program))
    lookups.push_back({{"name", lookup.name},
                       {"keys", lookup.keys},
                       {"bytes", lookup.bytes},
                       {"ns", std::lround(lookup.ns)},
                       {"form", lookup.form}});
  for (const plan::Classifier& classifier : program.classifiers)
    tables.push_back({{"list", program.policy->lists[classifier.list].name},
                      {"first", classifier.first + 1},
                      {"rules", classifier.count},
                      {"table_bytes", classifier.bytes}});
  uint64_t bytes = 0;
  for (const abi::Map& map : program.manifest.maps) {
    maps.push_back({{"name", map.name}, {"entries", map.max_entries}, {"bytes", bytesOf(map)}});
    bytes += bytesOf(map);
  }
  Json all = costsOf(total);
  all["map_bytes"] = bytes;
  return Json{{"schema", kSchema},  {"policy", program.policy->name}, {"parts", rows}, {"scans", scans},
              {"lookups", lookups}, {"rule_tables", tables},          {"maps", maps},  {"total", all}}
             .dump() +
         "\n";
}

} // namespace

std::optional<std::string> costText(Compilation& compilation, CostForm form) {
  const std::optional<plan::Program> program = planOf(compilation);
  if (!program)
    return {};
  const auto bytes = objectOf(compilation);
  if (!bytes)
    return {};
  const auto object = object::readObject(*bytes);
  if (!object) {
    fail(kWrong, object.error().message);
    return {};
  }
  std::vector<Part> parts = partsOf(*compilation.policy);
  countInstructions(*object, parts);
  Part total;
  for (const Part& part : parts) {
    total.instructions += part.instructions;
    total.calls += part.calls;
    total.lookups += part.lookups;
  }
  return form == CostForm::json ? json(*program, parts, total) : table(*program, parts, total);
}

} // namespace xdpc::driver
