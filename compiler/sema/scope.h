// What the checker's parts share: the policy as built so far, the names of a file and where errors go. Every construct
// has its functions in a file of its own, over a Scope. Private to sema/.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"
#include "compiler/sema/sema.h"
#include "compiler/sema/value.h"

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace xdpc::sema {

enum class SymbolKind : uint8_t { Header, Constant, Set, Map, Counter, Meter, Event, Rules, Extern, Policy };

struct Symbol {
  SymbolKind kind = SymbolKind::Header;
  uint32_t index = 0; // into the policy's table of the kind; of a constant into Scope::constants
  Span span;
};

// One part of an element of a constant set, before it is known what it is compared with.
enum class Category : uint8_t { boolean, number, address, mac, bytes };
struct RawPart {
  Category category = Category::number;
  ir::Interval interval;
  std::optional<unsigned> prefix_length; // where it is an address or a prefix
  Span span;
  std::string bytes = {}; // where it is bytes; their number, if one holds them, is the interval
};
using RawElement = std::vector<RawPart>;
struct RawSet {
  bool ok = true;
  std::vector<RawElement> elements;
};

enum class Progress : uint8_t { untouched, active, done };

struct Constant {
  const ast::Constant* decl = nullptr;
  Progress progress = Progress::untouched;
  bool is_set = false;
  bool is_tuple = false;    // of values that a packet has: stands where its parts could
  bool is_quantity = false; // a time or a rate: stands in clauses, not in conditions
  Value value;              // unless is_set
  RawSet raw;               // if is_set
  std::vector<std::pair<std::vector<ir::Type>, ir::ConstSetId>> used_as; // one table a type that it is compared with
};

// What of a header is known besides its IR while headers are built.
struct HeaderState {
  const ast::HeaderDecl* decl = nullptr;
  std::vector<const ast::HeaderField*> sources;                 // by FieldId
  std::vector<Progress> derived;                                // by FieldId
  std::vector<Wide> field_high, field_low;                      // by FieldId: bounds of the values
  HeaderSet implied;                                            // headers that are there whenever this one is
  std::vector<std::pair<ir::HeaderId, const ast::Expr*>> parts; // fields with `when` and those behind them, in order
  bool transport = false;                                       // behind IP, as tcp is
};

// A packet in a tunnel, or the outermost one.
struct PacketState {
  unsigned depth = 0;
  std::map<ir::HeaderId, ir::HeaderId> headers; // by declaration: the one in this packet; empty for the outermost
  std::map<ir::HeaderId, HeaderSet> dominators; // as declared, in this packet
};

// A declared list of rules; checked where it is applied first.
struct ListState {
  const ast::RulesDecl* decl = nullptr;
  Progress progress = Progress::untouched;
  ir::ListId id = 0;
  uint64_t expanded = 0; // rules in it and in all that it applies
};

struct Scope {
  Scope(diag::Emitter& emitter, const Surroundings& around) : emitter(emitter), around(around) {}

  ir::Policy policy;
  diag::Emitter& emitter;
  const Surroundings& around;
  std::map<std::string, Symbol, std::less<>> symbols;
  std::vector<Constant> constants;
  std::vector<HeaderState> headers; // by HeaderId
  std::vector<ListState> lists;     // by declaration
  uint64_t expanded = 0;            // rules of the list that is checked, with those of the lists that it applies
  unsigned applied = 0;             // lists around the place that is checked
  std::unordered_map<std::string, Span> rules;                          // where each is named
  std::map<std::pair<const SourceFile*, uint32_t>, bool> warned_absent; // places of maybe-absent warnings, once each
  uint64_t nodes = 0; // of all expressions that constants were copied into
  std::vector<PacketState> packets = std::vector<PacketState>(1);
  std::map<ir::HeaderId, uint32_t> entered; // tunnels that names reach into: the packet
  std::map<std::pair<ir::HeaderId, ir::HeaderId>, ir::HeaderId> inner, later; // made so far
  std::set<std::string, std::less<>> lost; // words that a syntax error swallowed: unknown, and no mistakes
  unsigned suggestions = 0;                // looked for so far
  size_t raw_elements = 0;                 // of all constant sets
  unsigned depth = 0;
  bool too_deep = false; // reported: what refers to it is too deep as well
};

inline constexpr unsigned kMaxDepth = 250;
inline constexpr uint64_t kMaxNodes = 4'000'000;
inline constexpr uint32_t kMaxDefinitionNodes = 20'000; // of one constant or derived field
inline constexpr size_t kMaxConstElements = 4u << 20;
inline constexpr size_t kMaxHeaders = 256;     // declared
inline constexpr size_t kMaxAllHeaders = 4096; // with those that names in tunnels, later tags and optional fields make
inline constexpr unsigned kMaxTunnels = 2;     // one in the other
inline constexpr size_t kMaxRules = 100'000;
inline constexpr uint64_t kDefaultCapacity = 65536, kMaxCapacity = 1u << 26;

// Names.
bool declare(Scope& scope, const ast::Name& name, SymbolKind kind, uint32_t index);
const Symbol* lookUp(const Scope& scope, std::string_view name);
const char* kindName(SymbolKind kind); // "set"
std::string aKind(SymbolKind kind);    // "a set", "an event"
// Reports that `name` is unknown and suggests one of the kind, or of any kind.
void reportUnknown(Scope& scope, const ast::Name& name, const char* what,
                   std::optional<SymbolKind> wanted = std::nullopt);
// The symbol, which has to be of the kind; else an error and nothing.
const Symbol* resolve(Scope& scope, const ast::Name& name, SymbolKind kind);
// Reports `message` at the name, with the nearest of the candidates, if one is near; silent where it only follows from
// a syntax error.
void reportMissing(Scope& scope, const ast::Name& name, std::string message,
                   const std::vector<std::string>& candidates);
void notImplemented(Scope& scope, Span span, std::string_view what);

} // namespace xdpc::sema
