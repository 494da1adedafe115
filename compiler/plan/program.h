// The plan as a value: how a checked policy is carried out. Made by makePlan, read by lower. Dump: --emit=plan
// (print.h).
#pragma once

#include "compiler/ir/ir.h"
#include "compiler/plan/lookup.h"
#include "runtime/abi/manifest.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::plan {

// What the parser does with a header of the graph.
struct HeaderPlan {
  bool walked = false;  // on the way to something that is asked for
  bool asked = false;   // a rule asks for its presence or reads its fields: packets with and without it are told apart
  bool checked = false; // its part of pkt.malformed is computed
  bool before_ip = false; // it can stand before any IP header, or without one
  bool traced = false;    // of an extension header: looked for to tell fragments from whole packets, known to no rule
  bool united = false;    // a rule asks for it by the name of a union
  uint64_t end = 0;       // no frame has more bytes before its end; beyond kCopiedBytes the walk checks
};

// One of the packets in each other.
struct PacketPlan {
  bool payload_length = false, last_protocol = false; // a rule asks for it
  bool tunnels = false;                               // the walk goes on in a tunnel of it
  bool innermost = false;                             // a tunnel in it is not followed, and pkt.unparsed says so
};

// Bounds of the walk, as the language reference states them.
inline constexpr unsigned kMaxRepeats = 2;    // of one header in a chain: two VLAN tags
inline constexpr unsigned kMaxTunnels = 2;    // one in the other
inline constexpr unsigned kMaxExtensions = 8; // IPv6 extension headers
inline constexpr unsigned kMaxExtensionBytes = 256;
// Headers lie in so many bytes of the frame. Of a frame whose first buffer is shorter, they are copied before.
inline constexpr unsigned kCopiedBytes = 512;
// The buffer they go to. Its size is what the verifier compares offsets with: no sum of header sizes may reach it.
inline constexpr unsigned kBufferBytes = 8192;

// How membership in a constant set is decided.
enum class ConstSetKind : uint8_t {
  compares, // a balanced tree of compares, in place
  function, // the same as a function of its own, called from every place
  tuples,   // each tuple compared in turn
  table,    // looked up in data that the object carries: lookup.h
  boxes,    // tuples with ranges in them: box_table.h
};

// The tables of a constant set or a map: keys of one part by their domain, of several in `tuples`.
struct Tables {
  std::optional<Table> number, v4, v6, tuples;
};

// A dynamic set's maps, as indices into manifest.maps.
struct SetPlan {
  std::optional<uint32_t> exact, trie;
  std::optional<uint32_t> lengths;       // the list of all others; else a trie has them
  std::vector<abi::PrefixLength> probes; // lengths under which a lookup probes the exact part; empty: the key as it is
  std::optional<uint32_t> full;          // slots
  std::optional<uint32_t> evicted;
};

struct MeterPlan {
  std::vector<ir::HeaderId> needs; // headers without which a packet has no key
  std::optional<uint32_t> map;     // keyed
  std::optional<uint32_t> cell;    // keyless: index in `.data.meters`
  uint64_t cost = 0;               // of a packet, or of a byte: 1/65536 ns, rounded down
  uint64_t window = 0;             // the burst, in the same unit
  uint32_t contended = 0;          // slots
  std::optional<uint32_t> full;
  std::optional<uint32_t> evicted;
};

struct CounterPlan {
  std::vector<ir::HeaderId> needs; // headers without which a packet has no key
  std::optional<uint32_t> slot;    // plain
  std::optional<uint32_t> map;     // keyed
  std::optional<uint32_t> other;
};

struct EventPlan {
  uint32_t size = 0;             // of the record
  std::vector<uint32_t> offsets; // of the fields
  uint32_t lost = 0, unread = 0; // slots
};

// One pass over a payload for all patterns with the same limit. `masks` say whose patterns were found: bit by bit, a
// pattern set each.
struct ScanPlan {
  uint32_t within = 0;   // bytes that are looked at
  uint32_t shortest = 0; // pattern: a payload of fewer bytes holds none
  uint32_t map = 0;      // role table: scan.h says how it is laid out
  uint32_t sets = 0;     // that are looked for together
  uint32_t states = 0, classes = 0;
  unsigned uses = 0; // expressions that ask it
};

// The answer to a `contains` is a bit of a scan's.
struct PatternPlan {
  uint32_t scan = 0;
  unsigned bit = 0;
};

// The maps that are not a set's, meter's or counter's own, as indices into manifest.maps.
struct CommonMaps {
  uint32_t counters = 0, base = 0, config = 0, control = 0, test = 0, copy = 0;
  std::optional<uint32_t> meters, events, devices, cpus;
  // kMaxPayloadBytes a CPU and for each of Program::payload_headers, then kCPayloadRoom for each payload of a C call.
  std::optional<uint32_t> payload;
};

struct Classifier; // classifier.h
struct BoxTable;   // box_table.h

struct Program {
  Program();
  Program(Program&&) noexcept;
  ~Program();

  const ir::Policy* policy = nullptr;
  abi::Manifest manifest;
  CommonMaps common;
  std::vector<HeaderPlan> headers; // by HeaderId
  std::vector<PacketPlan> packets; // by number
  bool needs_malformed = false, needs_unparsed = false;
  std::optional<ir::HeaderId> ip; // the union of both families, for payload lengths and pkt.malformed
  std::vector<ConstSetKind> const_sets;
  std::map<ir::ConstSetId, Tables> const_tables; // of those of the kind `table`
  std::vector<Tables> map_tables;                // by MapId
  std::vector<BoxTable> boxes;
  std::map<uint32_t, uint32_t> const_boxes, map_boxes; // by ConstSetId and MapId: which of them
  std::vector<SetPlan> sets;                           // by id; those of things never used are empty
  std::vector<MeterPlan> meters;
  std::vector<CounterPlan> counters;
  std::vector<EventPlan> events;
  std::map<const ir::Action*, uint32_t> samples; // slot of each `sample 1/N`
  std::vector<ScanPlan> scans;
  std::vector<PatternPlan> patterns;               // by PatternSetId
  std::vector<ir::HeaderId> payload_headers;       // whose payload is read
  std::vector<std::optional<uint32_t>> constants;  // by CModule: the map of role `table` with its constants
  std::map<uint32_t, std::vector<uint8_t>> tables; // what maps of role `table` hold, by index in manifest.maps
  std::map<std::string, uint32_t> devices;         // of redirects: their keys in the map `devices`
  std::map<std::string, uint32_t> sockets;         // their maps
  std::vector<Classifier> classifiers;             // in the order of their lists
  bool rewrites = false;                           // some rule assigns to a field
  uint32_t row_bytes = 0;
  bool clock = false, coarse_clock = false; // whether any rule reads one
  std::optional<uint32_t> clock_slot;       // whose cell holds the clock that meters share, see lower/clock.h

  // The header that an entry of `id` leads to, if it is parsed.
  std::optional<ir::HeaderId> next(ir::HeaderId id, const ir::PayloadEntry& entry) const;
  bool isIp(ir::HeaderId id) const; // of either family, in any packet

  // The classifier that begins at this item of a list, if one does.
  const Classifier* classifierAt(ir::ListId list, size_t item) const;

  uint32_t ruleSlot(ir::RuleId rule) const { return rule; }
};

// None for a set of another kind than `table`.
inline const Tables& constTables(const Program& program, ir::ConstSetId id) {
  static const Tables none;
  const auto found = program.const_tables.find(id);
  return found == program.const_tables.end() ? none : found->second;
}

} // namespace xdpc::plan
