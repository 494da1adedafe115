// What a file says, as it is written: nothing resolved, nothing typed. Made by parse, read by sema and by the
// formatter. Dump: --emit=ast (print.h). Every node has its span.
#pragma once

#include "compiler/basic/boxed.h"
#include "compiler/basic/source.h"
#include "runtime/abi/address.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::ast {

struct Name {
  std::string text;
  Span span;
};

enum class ExprKind : uint8_t {
  Number,     // number, unit
  Address,    // prefix with full length
  Prefix,     // prefix (written with /N)
  Mac,        // number: the 48 bits, first byte highest
  Range,      // args: low, high (literals)
  Bytes,      // bytes: themselves
  Name,       // text
  Member,     // args[0] . text
  Index,      // args[0] [ args[1] ]
  Slice,      // args[0] [ args[1] : args[2] ]
  Call,       // text ( args… ): u32(x)
  Tuple,      // ( args… ): one element is a group
  Set,        // { args… }: elements, or Pair for maps
  Pair,       // args[0] => args[1]
  Mask,       // args[0] / lengths[0] [/ lengths[1]]
  Negate,     // - args[0]
  Not,        // not args[0]
  Binary,     // op, args[0], args[1]
  Contains,   // args[0] contains [any] args[1] [within args[2]]; any: flag
  StartsWith, // args[0] starts with args[1]
  Load,       // load "bytes"
};

enum class Op : uint8_t { Mul, Add, Sub, Shl, Shr, BitAnd, BitXor, BitOr, Eq, Ne, Lt, Le, Gt, Ge, In, NotIn, And, Or };

// A number's unit as written: "", a time (ns us ms s m h d), a size (B KiB …), a packet rate (pps kpps Mpps) or a bit
// rate (bps …). `number` is already scaled: to ns, bytes, packets a second, bits a second.
enum class Dimension : uint8_t { none, time, bytes, packet_rate, bit_rate };

// One for a family, two for `ip`; each at most 128.
class MaskLengths {
public:
  void push_back(uint8_t length) { lengths_[count_++] = length; } // NOLINT(readability-identifier-naming): as a vector
  size_t size() const { return count_; }
  uint32_t operator[](size_t i) const { return lengths_[i]; }
  const uint8_t* begin() const { return lengths_.data(); }
  const uint8_t* end() const { return lengths_.data() + count_; }

private:
  std::array<uint8_t, 2> lengths_{};
  uint8_t count_ = 0;
};

// A policy of 100,000 rules has a million and a half: what few of them have is boxed.
struct Expr {
  ExprKind kind = ExprKind::Number;
  Op op = Op::And;
  Dimension dimension = Dimension::none;
  bool flag = false;
  MaskLengths lengths;
  Span span;
  uint32_t op_begin = 0, op_end = 0; // of Binary, Contains and StartsWith, for carets at the operator: see opSpan
  uint64_t number = 0;
  std::string_view text;     // a name, in the text of its file
  Boxed<abi::Prefix> prefix; // of Address and Prefix
  Boxed<std::string> bytes;  // of Bytes and Load
  std::vector<Expr> args;

  // No file where there is no operator.
  Span opSpan() const { return op_end ? Span{span.file, op_begin, op_end} : Span{}; }
};

// Of a Name.
inline Name nameOf(const Expr& expr) {
  return {std::string(expr.text), expr.span};
}

// rate 200 pps burst 400 per ip.src/24/64 capacity 1M when full evict [clock exact]: the clauses of meters, sets,
// counters.
struct Clauses {
  std::optional<Expr> rate, burst, capacity, timeout;
  std::vector<Expr> per; // empty: not keyed
  std::optional<Name> when_full;
  bool clock_exact = false;
  bool count = false; // set … { count }
  Span span;
};

struct MeterUse {
  bool within = false;
  std::optional<Name> name; // a declared meter
  Clauses inline_meter;     // else
  Span span;
};

enum class StatementKind : uint8_t {
  Verdict,  // name: pass drop abort tx
  Redirect, // name: dev cpu cpus socket; exprs: target(s) / hash keys
  Count,    // name
  Emit,     // name, sample
  Add,      // exprs[0] to name [for exprs[1]]
  Remove,   // exprs[0] from name
  Assign,   // exprs[0] = exprs[1]
  Push,     // push name ( fields )
  Pop,      // pop name
  Apply,    // apply name
};

struct Statement {
  StatementKind kind = StatementKind::Verdict;
  Name name;
  std::vector<Expr> exprs;
  std::optional<uint64_t> sample; // 1/N
  std::vector<std::pair<Name, Expr>> fields;
  Span span;
};

// Either a plain rule (statements has one, with an optional condition and meter) or a block. A nested `when` in a block
// is a Rule, too: a block's items are in order.
struct Rule;
struct BlockItem;
struct Rule {
  std::optional<Name> name;
  Boxed<Name> was;
  std::optional<Expr> condition;
  Boxed<MeterUse> meter;
  std::vector<BlockItem> body;
  std::optional<std::vector<BlockItem>> otherwise; // else { … }
  bool block = false;                              // written with { }
  Span span;
};
struct BlockItem {
  std::optional<Statement> statement;
  std::vector<Rule> nested; // exactly one if there is no statement
};

struct OnVerdict {
  Name verdict;
  Statement emit;
  std::optional<Expr> condition;
  Span span;
};

struct Policy {
  Name name;
  std::vector<Rule> rules;                         // in order; `apply` is a rule whose body is an Apply statement
  std::optional<std::vector<BlockItem>> otherwise; // default
  Span default_span;
  std::vector<OnVerdict> on;
  Span span;
};

struct Constant {
  Name name;
  Expr value;
  Span span;
};

struct SetDecl {
  Name name;
  std::optional<Name> was;
  std::vector<Name> key; // type names, dotted: "ip.prefix"
  bool tuple = false;
  Clauses clauses;
  std::optional<Expr> initial;
  Span span;
};

struct MapDecl {
  Name name;
  std::vector<Name> key;
  std::vector<Name> value;
  std::optional<Expr> initial;
  Span span;
};

struct CounterDecl {
  Name name;
  std::optional<Name> was;
  Clauses clauses;
  Span span;
};

struct MeterDecl {
  Name name;
  std::optional<Name> was;
  Clauses clauses;
  Span span;
};

struct EventDecl {
  Name name;
  std::vector<Expr> fields;
  Span span;
};

struct RulesDecl {
  Name name;
  std::optional<Name> was;
  std::vector<Rule> rules;
  Span span;
};

struct Protect {
  std::string title;
  Name verdict; // never VERDICT when condition
  Expr condition;
  Span span;
};

// A header in a test's packet: `ipv4(src = 203.0.113.1)`, `payload("…")`, `raw(x"…")`.
struct PacketPart {
  Name name;
  std::vector<std::pair<Name, Expr>> fields;
  std::vector<Expr> values; // positional: payload(40)
  Span span;
};

struct Packet {
  std::vector<PacketPart> parts;
  std::optional<uint64_t> truncate;
  Span span;
};

enum class TestLineKind : uint8_t { Given, Packet, Wait, Counter, Has, Lacks, Event };

struct TestLine {
  TestLineKind kind = TestLineKind::Packet;
  Span span;
  Name name;                // set, counter or event
  std::vector<Expr> values; // Given: the set literal; Wait: the time; Counter: [key]; Has/Lacks: the element
  Op op = Op::Eq;           // Counter, Event
  uint64_t number = 0;      // Counter, Event
  Name verdict;             // Packet: pass drop abort tx redirect
  std::vector<Expr> target; // redirect to …
  Name redirect_kind;
  std::optional<Name> rule; // by …; "default" too
  std::optional<Packet> packet, becomes;
  uint64_t times = 1;
};

struct Test {
  std::string title;
  std::vector<TestLine> lines;
  Span span;
};

// A field of a header: `data_offset: u4`, `flags: u8 { cwr: u1 … }`, `key: u32 when k`, or derived: `len =
// payload_length + 40`.
struct HeaderField {
  Name name;
  Name type;
  std::vector<HeaderField> parts;
  std::optional<Expr> when;
  std::optional<Expr> derived;
  bool ahead = false; // behind the header, to choose what follows
  Span span;
};

// `option 2 mss: u16`, `option 4 sack_permitted`, `option 8 { timestamp: u32 … }`.
struct HeaderOption {
  uint64_t number = 0;
  std::vector<HeaderField> fields; // one without a type for a flag
  Span span;
};

struct PayloadBy {
  std::optional<Name> by; // field; without: `payload eth`
  std::optional<Expr> when;
  std::vector<Expr> entries; // Pair: value => header name
  std::optional<Name> single;
  Span span;
};

struct HeaderDecl {
  Name name;
  bool tunnel = false, extension = false, extend = false;
  std::optional<Name> extension_of; // extension header hopbyhop of ipv6
  std::vector<Name> alternatives;   // header ip = ipv4 | ipv6
  std::vector<HeaderField> fields;
  std::optional<Expr> size;   // bytes of the header
  std::optional<Expr> length; // bytes of header and payload together, where the header says so
  std::vector<PayloadBy> payload;
  std::vector<HeaderOption> options;
  Span span;
};

struct Use {
  std::string path;
  Span span;
};

// extern "tls.c" fn client_hello(payload) -> bool
struct ExternDecl {
  std::string path;
  Name name;
  std::vector<Name> parameters; // type names, or `payload`
  Name result;
  Span path_span, span;
};

struct File {
  const SourceFile* source = nullptr;
  std::vector<Use> uses;
  std::vector<ExternDecl> externs;
  std::vector<Constant> constants;
  std::vector<SetDecl> sets;
  std::vector<MapDecl> maps;
  std::vector<CounterDecl> counters;
  std::vector<MeterDecl> meters;
  std::vector<EventDecl> events;
  std::vector<RulesDecl> rules;
  std::vector<HeaderDecl> headers;
  std::vector<Policy> policies; // more than one is an error of sema
  std::vector<Protect> protects;
  std::vector<Test> tests;
};

} // namespace xdpc::ast
