// Runs of rules that are carried out as tables: what one is. A run's rules become boxes over the lanes of a key, which
// the packet's leaf puts together; a function walks cut trees over the boxes and gives the first rule that matches
// (docs/decisions/0060). Entry point: planClassifiers. Dump: --emit=plan. Tested by
// tests/unit/plan/classifier_tree_test.cpp, tests/packet/classifiers and tests/classbench.
#pragma once

#include "compiler/ir/ir.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::plan {

struct Program;

// What rules of a run ask of a packet: a field, or some of its bits. A number, or an address.
struct ClassifierValue {
  ir::Expr expr;
  std::optional<ir::HeaderId> header; // that has to be there
  unsigned bits = 0;                  // of a number
  unsigned dropped = 0;               // low bits that are zero in every value, and not among these
};

// Bytes in a map of role `table`.
struct TableBytes {
  uint32_t map = 0; // index into manifest.maps
  uint32_t offset = 0;
  uint32_t count = 0; // of what it holds
};

// Which of the intervals that rows tell apart a lane's bits lie in: the key has its number. Each level looks at the
// next bits from the top. An entry says, in its low 12 bits, the node of the next level and, above, what that adds to
// the number; the last level has bytes that are added.
struct ClassifierRanks {
  static constexpr unsigned kNodeBits = 12;
  std::vector<unsigned> widths;   // by level
  std::vector<TableBytes> levels; // u32, the last u8
};

// Up to 32 bits of a value, and where they lie in the key: in a word of 64 bits, with a bit of zero above them.
struct ClassifierLane {
  uint32_t value = 0; // index into Classifier::values
  unsigned from = 0;  // the lowest of them
  unsigned value_bits = 0;
  std::optional<ClassifierRanks> ranks; // else the bits themselves are in the key
  unsigned bits = 0;                    // in the key
  unsigned word = 0, shift = 0;
};

// Where all rows are single points: one slot is where a key can be (see classifier_hash.h).
struct ClassifierHash {
  TableBytes factors;                       // u32
  TableBytes slots;                         // the key's words and the result
  unsigned group_word = 0, group_shift = 0; // where the key says which of the view's packets it is one of
};

// A row's bounds in a word of the key. A key is in the row if of neither number a guard is set.
struct RowBounds {
  uint64_t below = 0; // less the key: a lane's guard is set if the key is below the row's lowest value there
  uint64_t above = 0; // and the key: if it is above the highest
};

// A tree, as the lookup walks it.
struct ClassifierWalk {
  unsigned depth = 0;  // of nodes on the way to a leaf
  unsigned levels = 0; // of them that every packet is taken through: most leaves are there
};

// The tables for packets of one shape: with IPv4 addresses, say.
struct ClassifierView {
  std::vector<ClassifierLane> lanes;
  unsigned words = 0;                 // of the key
  std::vector<uint64_t> guards;       // the bits above lanes, by word
  std::vector<TableBytes> bounds;     // by word: of each row two numbers, see RowBounds
  uint32_t row_bytes = 0;             // from one row's bounds to the next
  TableBytes results;                 // of each row: see ClassifierResult; the last one, which no packet matches, has 0
  uint32_t result_bytes = 0;          // from one row's result to the next
  TableBytes nodes, lists;            // of all trees: see classifier_tree.h
  std::vector<ClassifierWalk> walks;  // in as many trees as there are at most, for any packet
  unsigned longest = 0;               // rows in a list
  double nanoseconds = 0;             // what a lookup is likely to take
  std::optional<ClassifierHash> hash; // in place of guards, bounds, results and trees
};

// What the headers of a packet say: the view, and where its trees begin.
struct ClassifierRoot {
  std::optional<uint32_t> view; // none: no rule of the run matches
  std::vector<uint32_t> trees;  // nodes; 0 is an empty leaf. Of a hash: one, the group
  std::vector<uint32_t> bodies; // of rules that can match here, ascending
  bool operator==(const ClassifierRoot&) const = default;
};

// A row's result in one word: 1 << 63 | slot << 36 | body << 24 | the row behind the last one of its rule.
struct ClassifierResult {
  static constexpr unsigned kSlotAt = 36, kBodyAt = 24;
  static constexpr uint32_t kMaxRows = (1u << 24) - 1, kMaxSlots = 1u << 24, kMaxBodies = 1u << 12;
  static constexpr uint64_t kFound = uint64_t{1} << 63;
};

// Rules that do the same once they match: all of their code but the slot.
struct ClassifierBody {
  ir::RuleId rule = 0;               // one of them
  std::optional<ir::Expr> remaining; // of its condition, which the table does not decide
  bool goes_on = false;              // the packet may go on behind it
};
inline constexpr uint32_t kFirstBody = 8; // below: an XDP action, and nothing but

struct Classifier {
  ir::ListId list = 0;
  size_t first = 0, count = 0; // its items
  std::vector<ClassifierValue> values;
  std::vector<ir::HeaderId> atoms; // headers that are there or not: bit by bit, a packet's signature
  std::vector<ClassifierView> views;
  std::map<uint64_t, ClassifierRoot> roots; // by signature; those that no packet has are not in it
  std::vector<ClassifierBody> bodies;       // from kFirstBody on
  std::vector<ir::Verdict> verdicts;        // of rules that are nothing but a verdict
  unsigned rounds = 1;                      // lookups a packet, at most: one more than rules that it may go on behind
  uint64_t bytes = 0;                       // of its tables
};

// Fills program.classifiers and their tables.
void planClassifiers(Program& program);

} // namespace xdpc::plan
