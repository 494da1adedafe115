// Conditions as boxes: a disjunction of conjunctions, each of headers that are there or not and of intervals of values.
// Private to plan/classifier*.cpp. Tested by tests/packet/classifiers.
#pragma once

#include "compiler/ir/intervals.h"
#include "compiler/plan/classifier.h"

namespace xdpc::plan {

using ir::Intervals;

struct Conjunction {
  struct Bound {
    uint32_t value = 0; // index into Classifier::values
    Intervals intervals;
  };
  uint64_t wanted = 0, unwanted = 0; // by index into Classifier::atoms, bit by bit: there, and not there
  std::vector<Bound> values;         // ascending
};
using Disjunction = std::vector<Conjunction>;

inline constexpr size_t kMaxBoxes = 64; // of one rule

// Makes boxes, and collects what they are over in a classifier.
class BoxMaker {
public:
  BoxMaker(const ir::Policy& policy, Classifier& classifier) : policy_(policy), classifier_(classifier) {}

  // Nothing where a table cannot decide the condition, or where it would take too many boxes.
  std::optional<Disjunction> boxesOf(const ir::Expr& condition) { return make(condition, Sense::holds); }

private:
  enum class Sense : uint8_t { holds, fails };
  struct Bounded {
    uint32_t value;
    ir::HeaderId header;
    bool has_header;
    Intervals all; // what the value can be
  };

  std::optional<Disjunction> make(const ir::Expr& expr, Sense sense);
  std::optional<Disjunction> product(const std::vector<ir::Expr>& args, Sense sense);
  std::optional<Disjunction> sum(const std::vector<ir::Expr>& args, Sense sense);
  std::optional<Disjunction> present(const ir::Expr& expr, Sense sense);
  std::optional<Disjunction> compare(const ir::Expr& expr, Sense sense);
  std::optional<Disjunction> compareNumber(const ir::Expr& value, ir::Op op, uint64_t number, Sense sense);
  std::optional<Disjunction> compareAddress(const ir::Expr& value, const ir::Expr& address, Sense sense);
  std::optional<Disjunction> inConst(const ir::Expr& expr, Sense sense);
  std::optional<Disjunction> tuples(const ir::Expr& expr, const ir::ConstSet& set);
  std::optional<Disjunction> within(const Bounded& value, Intervals intervals, Sense sense);

  std::optional<Bounded> valueOf(const ir::Expr& expr);
  std::optional<uint32_t> atomOf(ir::HeaderId header);
  bool isPlain(ir::HeaderId header) const;

  const ir::Policy& policy_;
  Classifier& classifier_;
};

} // namespace xdpc::plan
