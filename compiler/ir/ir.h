// The checked policy: names resolved, everything typed, constants folded, presence explicit. Made by sema::check, read
// by analysis, plan, lower and the oracle. Dump: --emit=ir (print.h).
//
// Presence. A field may be read only where its header is present. sema makes that explicit: every comparison or
// membership `tcp.dport == 22` becomes And[Present(tcp), Compare(…)], and And and Or are evaluated from left to right
// and stop early. So an absent header makes the atom false, and `not` is plain negation.
#pragma once

#include "compiler/basic/boxed.h"
#include "compiler/basic/source.h"
#include "runtime/abi/key.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::ir {

using HeaderId = uint32_t;   // index into Policy::headers
using FieldId = uint32_t;    // index into Header::fields
using ConstSetId = uint32_t; // indices into the Policy's tables
using SetId = uint32_t;
using MeterId = uint32_t;
using CounterId = uint32_t;
using EventId = uint32_t;
using RuleId = uint32_t;
using PatternSetId = uint32_t;
using ListId = uint32_t;
using MapId = uint32_t;
using ExternId = uint32_t;
using u128 = unsigned __int128;

// ---- types and expressions

enum class TypeKind : uint8_t { Bool, Int, Ip, Ipv4, Ipv6, Mac, Bytes };

struct Type {
  TypeKind kind = TypeKind::Bool;
  uint16_t bits = 0; // Int: width of the value, 1 to 64; Bytes: 8 a byte
  bool port = false; // Int of 16 bits that is a port
  bool operator==(const Type&) const = default;
};

enum class ExprKind : uint8_t {
  Bool,          // number 0 or 1
  Int,           // number (two's complement, 64 bits)
  Address,       // address; type Ip, Ipv4 or Ipv6
  Mac,           // number: the 48 bits, first byte highest
  Bytes,         // bytes; type Bytes of 8 bits each
  Field,         // header, field. A Bool for a one-bit field. Only where the header is present
  Packet,        // packet: a field of the frame
  PayloadLength, // header: bytes behind it up to IP's length, never negative
  Payload,       // header: the bytes themselves, of type Bytes with no width; stands in ExternCall alone
  HasBytes,      // header, number: Bool: its payload has so many bytes, all of them in the frame
  Slice,    // header, number: bytes of its payload from there on, as many as the type has (Bytes, or an Int of whole
            // bytes). Only where HasBytes holds for its end
  Contains, // header, id: PatternSetId: Bool: its payload has one of the patterns. Only where it is present
  LastProtocol, // header: the protocol number behind its chain of extension headers
  Present,      // header (plain or union): Bool
  Mask,         // args[0] of Ip/Ipv4/Ipv6; v4_bits, v6_bits kept; the rest zero
  Number,       // args[0]: an Ipv4 address or a narrower Int as a number: u32(ipv4.dst)
  Arith,        // op, args[0], args[1]: Int, 64 bits signed
  Compare,      // op, args[0], args[1]: Bool; same types; addresses, MACs and Bools know Eq and Ne only
  InConst,      // args (one a part), id: ConstSetId
  InSet,        // args, id: SetId
  MapHas,       // args (one a part of the key), id: MapId: Bool
  MapValue,     // args, id: MapId. Only where MapHas with the same arguments holds
  ExternCall,   // args, id: ExternId: Bool or Int
  Not,
  And,
  Or, // args
};

enum class Op : uint8_t { Mul, Add, Sub, Shl, Shr, BitAnd, BitXor, BitOr, Eq, Ne, Lt, Le, Gt, Ge };
enum class PacketField : uint8_t { Len, Ifindex, RxQueue, Malformed, Unparsed };

// A policy of 100,000 rules has a million and a half: what few of them have is boxed.
struct Expr {
  ExprKind kind = ExprKind::Bool;
  Op op = Op::Eq;
  Type type;
  Span span;
  HeaderId header = 0;
  FieldId field = 0;
  uint32_t id = 0;
  PacketField packet = PacketField::Len;
  uint8_t v4_bits = 32, v6_bits = 128;
  uint64_t number = 0;
  Boxed<abi::Address> address; // of Address
  Boxed<std::string> bytes;    // of Bytes
  std::vector<Expr> args;
};

// ---- headers, as the standard library declares them

struct PartRef {
  HeaderId header = 0; // of kind part or option
  FieldId field = 0;
};

struct Field {
  std::string name;
  Type type;
  uint32_t bit_offset = 0;           // from the header's start
  uint32_t bits = 0;                 // width on the wire; 0 for a derived field
  std::optional<FieldId> whole;      // of a part: the field it is a part of
  std::optional<Expr> derived;       // computed from other fields; refers to the header by its own id
  std::vector<FieldId> alternatives; // of a union's field: the field's id in each alternative, in their order
  std::optional<PartRef> part;       // not always there, or at no fixed place: where reads find it
  bool ahead = false;                // lies behind the header and is no part of it: `payload by` alone reads it
  Span span;
};

struct PayloadEntry {
  uint64_t value = 0;
  HeaderId next = 0;   // of a tunnel: as declared; Header::inner says which one it is
  bool tunnel = false; // a new packet starts there
  Span span{};
};

// A header's checksum: kept right where the policy changes what it covers.
enum class Coverage : uint8_t { header, rest, rest_with_pseudo, crc32c }; // rest: the header and all behind it
struct Checksum {
  FieldId field = 0;
  Coverage coverage = Coverage::header;
  bool zero_means_none = false; // UDP sends 0xffff for a sum of 0
};

// `payload by FIELD when … { value => header }`; without `by` there is one entry that always follows.
struct PayloadBy {
  std::optional<FieldId> by;
  std::optional<Expr> when;
  std::vector<PayloadEntry> entries;
};

// Kinds from `later` on are made by sema for names that mean less than a declared header: they have no payload of their
// own, and their presence is decided where the parser meets the header `of`.
enum class HeaderKind : uint8_t {
  plain,
  tunnel,
  extension,
  alternatives,
  later,  // `vlan.inner.vlan`: the first `of` behind `after` in the same packet
  part,   // `gre.key`: fields of `of` that are there when `when` holds, `start` bytes from its beginning
  option, // `tcp.mss`: the option of the number `option` in `of`
};

// A header entered through a tunnel is another one than the outermost of the same declaration.
struct Inner {
  HeaderId declared = 0, entered = 0;
};

struct Header {
  std::string name;
  HeaderKind kind = HeaderKind::plain;
  std::vector<HeaderId> alternatives;   // kind alternatives: `ip` = ipv4 | ipv6; no two are present together
  std::optional<HeaderId> extension_of; // kind extension: its own next-header field selects in that header's table
  std::vector<Field> fields;
  uint32_t min_size = 0;           // bytes of the declared fields: a shorter `size` is impossible
  std::optional<Expr> size;        // bytes; none: min_size
  std::optional<Expr> length;      // header and payload together, bytes
  std::vector<PayloadBy> payload;  // tried in order
  HeaderId declared = 0;           // itself, or the declared header that an inner one is one of
  uint32_t packet = 0;             // which packet it is in: 0 for the outermost, numbered by Policy::packets
  std::vector<Inner> inner;        // for tunnel entries; empty where no name reaches behind the tunnel
  HeaderId of = 0, after = 0;      // kinds later, part, option
  std::optional<Expr> when, start; // kind part; refer to the header `of`
  uint8_t option = 0;              // kind option
  bool has_options = false;        // options of one byte of number and one of length lie behind the declared fields
  std::optional<Checksum> checksum;
  std::vector<FieldId> pseudo; // of IP: fields that the transport's checksum covers, too
  Span span;
};

// ---- state

enum class Domain : uint8_t { number, v4, v6 }; // v4: low, high are 32 bits, v6: 128

struct Interval {
  Domain domain = Domain::number;
  u128 low = 0, high = 0; // both included
};

// One part: `elements` has one Interval each, sorted by domain and low, disjoint, not adjacent. Tuples: as declared.
struct ConstSet {
  std::string name; // of the const, or "" for a literal in place
  std::vector<Type> parts;
  std::vector<std::vector<Interval>> elements;
  Span span;
};

// What `contains` looks for: any of them, wholly in the payload's first `within` bytes. Sorted, no doubles.
struct PatternSet {
  std::vector<std::string> patterns;
  uint32_t within = 0;
  Span span;
  bool operator==(const PatternSet& other) const { return patterns == other.patterns && within == other.within; }
};
inline constexpr uint32_t kMaxPayloadBytes = 512; // that slices and `contains` reach, and C functions

// A C function. Parameters: Bytes with no width is a payload.
struct Extern {
  std::string name;
  std::vector<Type> parameters;
  Type result;
  std::string path; // as it is written, relative to the file that declares it
  bool used = false;
  Span span;
};

// What Clang made of a C file. compiler/extern_c puts it in.
struct CModule {
  const SourceFile* source = nullptr;
  std::string bitcode;
  uint64_t constants = 0; // bytes of its constant tables
  std::vector<ExternId> functions;
};
// Of the buffer that a C function's payload lies in, and its bytes before the payload: Clang's plugin masks what is
// read to the power of two in between.
inline constexpr uint32_t kCPayloadRoom = 1152, kCPayloadBefore = 64;

// Fixed at compile time. Entries are sorted by their keys, part by part as the intervals of a constant set, and
// disjoint: of prefixes that cover each other the longest has its addresses. A key of several parts has single values.
struct MapEntry {
  std::vector<Interval> key;
  uint64_t number = 0;  // of a map to numbers or MACs
  abi::Address address; // of a map to addresses
};

struct Map {
  std::string name;
  abi::KeyType key;
  Type value;
  std::vector<MapEntry> entries;
  bool used = false;
  Span span;
};

struct Set {
  std::string name;
  std::string was; // its name before, or ""
  abi::KeyType key;
  uint32_t capacity = 0;
  uint64_t timeout_ns = 0; // 0: none
  bool refuse_when_full = false;
  std::vector<abi::KeyValue> initial;
  std::vector<abi::PrefixLength>
      added_lengths;            // prefix sets: of what the policy's own `add` and `remove` name; no doubles
  bool count = false;           // packets and bytes of each element
  bool added_by_policy = false; // some rule adds to it or removes from it
  bool used = false;
  Span span;
};

enum class WhenFull : uint8_t { evict, drop, pass };

struct Meter {
  std::string name;
  std::string was;
  bool bits = false;
  uint64_t rate = 0, burst = 0; // packets or bits a second; packets or bytes
  std::vector<Expr> key;        // Field, Packet, Mask …
  abi::KeyType key_type;
  uint32_t capacity = 0;
  WhenFull when_full = WhenFull::evict;
  bool exact_clock = false;
  bool used = false;
  Span span;
};

struct Counter {
  std::string name;
  std::string was;
  std::vector<Expr> key; // empty: one cell
  abi::KeyType key_type;
  uint32_t capacity = 0;
  bool used = false;
  Span span;
};

struct EventField {
  std::string name; // "ip.src"
  Expr value;
  std::vector<HeaderId> needs; // headers whose absence makes it null
  abi::KeyKind kind = abi::KeyKind::U32;
};

struct Event {
  std::string name;
  std::vector<EventField> fields;
  bool used = false;
  Span span;
};

// ---- rules

enum class Verdict : uint8_t { Pass, Drop, Abort, Tx, Redirect };

enum class ActionKind : uint8_t { Count, Emit, Add, Remove, Assign, PushVlan, PopVlan };

struct Action {
  ActionKind kind = ActionKind::Count;
  uint32_t id = 0;             // counter, event or set; PushVlan: the tag's EtherType
  std::vector<Expr> key;       // of Add and Remove; of a keyed Count; Assign: the new values; PushVlan: id, pcp, dei
  std::vector<Expr> targets;   // Assign: the fields, one a value; all values are read before any is written
  std::vector<HeaderId> needs; // headers without which the action does nothing
  uint64_t duration_ns = 0;    // Add: abi::kNever for none
  uint64_t sample = 1;         // Emit: one in so many
  Span span;
};

// Where `redirect` sends a packet.
enum class TargetKind : uint8_t { Device, Cpu, Socket };
struct HashPart {
  Expr value;
  std::vector<HeaderId> needs; // headers whose absence makes it 0
};
struct Redirect {
  TargetKind kind = TargetKind::Device;
  std::string name;           // Device, Socket
  std::vector<uint32_t> cpus; // Cpu: ascending, at least one
  std::optional<Expr> cpu;    // Cpu: the one of `cpus`, a map's value; only where what it needs holds
  std::vector<HashPart> hash; // Cpu: what chooses among several
  Span span;
};

struct Block;
struct Branch; // a nested `when`

// Exactly one of the three.
struct Step {
  std::optional<Action> action;
  std::optional<ListId> apply; // the list's rules are tried here
  std::vector<Branch> branch;
};

struct Block {
  std::vector<Step> steps;
  std::optional<Verdict> verdict; // ends the packet; none: on to the next rule
  Boxed<Redirect> redirect;       // with Verdict::Redirect
  Span verdict_span;
};

struct Branch {
  Expr condition;
  std::optional<MeterId> meter; // asked where the condition holds
  bool within = false;
  Block then, otherwise;
  Span span;
};

struct Rule {
  std::string name; // "#3" for the unnamed third; "default" for the last, which is always there
  std::string was;
  std::optional<Expr> condition;
  std::optional<MeterId> meter;
  bool within = false; // the rule holds where the packet conforms; else where it does not
  Block body;
  Block otherwise; // where the rule does not hold: nothing is counted, but a verdict is the rule's
  Span span, name_span;
};

// A rule, or another list that is run here where the condition holds.
struct ListItem {
  std::optional<RuleId> rule;
  ListId list = 0;
  Boxed<Expr> condition;
  Span span;
};

// Rules in the order in which they are tried. A rule is in one list, and a list may be applied at several places.
struct RuleList {
  std::string name;
  std::vector<ListItem> items;
  Span span;
};

// `on drop emit …`: behind the verdict, whichever rule reached it.
struct OnVerdict {
  Verdict verdict = Verdict::Drop;
  Action emit;
  std::optional<Expr> condition;
  Span span;
};

struct Protect {
  std::string title;
  Verdict never = Verdict::Drop;
  Expr condition;
  Span span;
};

// ---- tests

enum class TestStepKind : uint8_t { Given, Packet, Wait, Counter, Hits, Has, Lacks, Event };

// One header of `becomes`, or plain bytes: what a frame has to hold at its place.
struct ExpectedLayer {
  std::optional<HeaderId> header;
  std::vector<uint8_t> bytes;  // with the named fields in them
  std::vector<FieldId> fields; // that are named
  Span span;
};

struct TestStep {
  TestStepKind kind = TestStepKind::Packet;
  Span span;
  uint32_t id = 0;                     // set, counter (Counter with `rule` empty) or event
  std::vector<abi::KeyValue> elements; // Given, Has, Lacks, Hits; Counter: the key, if keyed
  uint64_t wait_ns = 0;
  std::vector<uint8_t> frame;
  uint32_t ifindex = 1, rx_queue = 0;
  Verdict verdict = Verdict::Pass;
  std::optional<Redirect> target;     // `expect redirect to cpu 1`
  std::vector<ExpectedLayer> becomes; // from the frame's first header on; empty: not looked at
  std::string rule; // Packet: the rule expected to decide, or ""; Counter: the rule counted, or "" for a counter
  uint64_t times = 1;
  Op op = Op::Eq; // Counter, Hits (of an element of a set), Event
  uint64_t number = 0;
};

struct Test {
  std::string title;
  std::vector<TestStep> steps;
  Span span;
};

struct Policy {
  std::string name;
  Span span; // of the name
  const SourceFile* source = nullptr;
  std::vector<Header> headers; // of the standard library and the policy; headers[0] is the frame's first, `eth`
  uint32_t packets = 1;        // packets in packets that names tell apart, the outermost included
  std::vector<ConstSet> const_sets;
  std::vector<PatternSet> patterns;
  std::vector<Map> maps;
  std::vector<Extern> externs;
  std::vector<CModule> c_modules;
  std::vector<Set> sets;
  std::vector<Meter> meters;
  std::vector<Counter> counters;
  std::vector<Event> events;
  std::vector<Rule> rules;     // of all lists that are applied, each once; `default` is the last
  std::vector<RuleList> lists; // lists[0] is the policy's own and ends in `default`
  std::vector<OnVerdict> on;
  std::vector<Protect> protects;
  std::vector<Test> tests;
};

} // namespace xdpc::ir
