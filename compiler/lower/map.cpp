// Lowers maps: a lookup in a table, then a load. The lookup of a value is the same as the one that asked whether it is
// there, and the optimizer makes them one.
#include "compiler/lower/map.h"
#include "compiler/lower/box_table.h"
#include "compiler/lower/key_function.h"
#include "compiler/lower/table.h"

namespace xdpc::lower {
namespace {

bool isEither(abi::KeyKind kind) {
  return kind == abi::KeyKind::Ip || kind == abi::KeyKind::IpPrefix;
}

struct Found {
  llvm::Value* number = nullptr;       // of the value, from 1; 0 for none; null: no key of this kind is in the map
  const plan::Array* values = nullptr; // null: the numbers are the values plus 1
  uint32_t value_bytes = 0;
};

Found foundIn(const plan::Table& table, llvm::Value* number) {
  return {number, table.plain_values ? nullptr : &table.values, table.value_bytes};
}

Found find(Builder& b, const Packet& packet, const ir::Expr& expr) {
  std::vector<Value> key;
  for (const ir::Expr& part : expr.args)
    key.push_back(lowerValue(b, packet, part));
  const plan::Tables& tables = b.program().map_tables[expr.id];
  if (const plan::BoxTable* boxes = plan::mapBoxTable(b.program(), expr.id))
    return {lowerBoxLookup(b, *boxes, key), &boxes->values, boxes->value_bytes};
  if (key.size() > 1) {
    if (!tables.tuples)
      return {};
    std::vector<bool> either;
    for (abi::KeyKind kind : b.policy().maps[expr.id].key.parts)
      either.push_back(isEither(kind));
    return foundIn(*tables.tuples, lowerTupleLookup(b, *tables.tuples, key, either));
  }
  const auto& table = tableFor(tables, key[0].kind);
  if (!table)
    return {};
  return foundIn(*table, callNumberFunction(b, b.globals().map_tables.at(expr.id), key[0]));
}

Value nothing(Builder& b, const ir::Type& type) {
  if (type.kind == ir::TypeKind::Ipv4)
    return {Value::Kind::v4, b.u32(0), nullptr, 32};
  if (type.kind == ir::TypeKind::Ipv6)
    return {Value::Kind::v6, b.u64(0), b.u64(0), 128};
  return {.low = b.u64(0)};
}

} // namespace

void lowerMapHas(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const Found found = find(b, packet, expr);
  if (!found.number)
    b.CreateBr(no);
  else
    b.CreateCondBr(b.CreateIsNotNull(found.number), yes, no);
}

Value lowerMapValue(Builder& b, const Packet& packet, const ir::Expr& expr) {
  const ir::Type& type = b.policy().maps[expr.id].value;
  const Found found = find(b, packet, expr);
  if (!found.number)
    return nothing(b, type); // never reached
  if (!found.values) {
    llvm::Value* value = b.CreateSub(found.number, b.u32(1));
    return type.kind == ir::TypeKind::Ipv4 ? Value{Value::Kind::v4, value, nullptr, 32}
                                           : Value{.low = b.CreateZExt(value, b.getInt64Ty())};
  }
  llvm::Value* at = lowerValuePointer(b, *found.values, found.number);
  if (type.kind == ir::TypeKind::Ipv4)
    return {Value::Kind::v4, b.loadAt(at, 0, 4), nullptr, 32};
  if (type.kind == ir::TypeKind::Ipv6)
    return {Value::Kind::v6, b.loadAt(at, 8, 8), b.loadAt(at, 0, 8), 128};
  return {.low = b.CreateZExt(b.loadAt(at, 0, found.value_bytes), b.getInt64Ty())};
}

void makeMapFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (ir::MapId id = 0; id < program.policy->maps.size(); ++id) {
    const ir::Map& map = program.policy->maps[id];
    const plan::Tables& tables = program.map_tables[id];
    ValueKinds kinds;
    for (Value::Kind kind : {Value::Kind::number, Value::Kind::v4, Value::Kind::v6})
      if (tableFor(tables, kind))
        kinds.push_back(kind);
    if (kinds.empty())
      continue;
    globals.map_tables[id] = makeNumberFunction(
        program, module, debug, globals, "find_" + map.name, map.span, kinds,
        [&](Builder& b, const Value& key) { return lowerLookup(b, *tableFor(tables, key.kind), key); });
  }
}

} // namespace xdpc::lower
