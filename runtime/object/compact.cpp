// Follows constants through the registers along the ways that are possible with them, block by block until nothing
// changes; then finds what computes numbers that nothing reads, and numbers anew what is left.
#include "runtime/object/compact.h"
#include "runtime/object/flow.h"

#include <array>
#include <cstring>
#include <optional>

namespace xdpc::object {
namespace {

using Known = std::optional<uint64_t>;
using State = std::array<Known, kRegisters>;

constexpr uint32_t kNone = ~uint32_t{0};

uint64_t narrowed(uint64_t value, bool wide) {
  return wide ? value : static_cast<uint32_t>(value);
}

// Nothing for operations that no constant of ours goes through.
Known computed(unsigned operation, uint64_t left, uint64_t right, bool wide) {
  const unsigned bits = wide ? 64 : 32;
  switch (operation) {
  case BPF_ADD:
    return narrowed(left + right, wide);
  case BPF_SUB:
    return narrowed(left - right, wide);
  case BPF_MUL:
    return narrowed(left * right, wide);
  case BPF_AND:
    return narrowed(left & right, wide);
  case BPF_OR:
    return narrowed(left | right, wide);
  case BPF_XOR:
    return narrowed(left ^ right, wide);
  case BPF_LSH:
    return narrowed(left << (right & (bits - 1)), wide);
  case BPF_RSH:
    return narrowed(left, wide) >> (right & (bits - 1));
  default:
    return {};
  }
}

template <class Signed> bool isLess(uint64_t left, uint64_t right) {
  return static_cast<Signed>(left) < static_cast<Signed>(right);
}

// Whether a compare of known numbers, both narrowed, holds. Nothing for what is no compare.
std::optional<bool> holds(unsigned compare, uint64_t left, uint64_t right, bool wide) {
  const auto less = [wide](uint64_t one, uint64_t other) {
    return wide ? isLess<int64_t>(one, other) : isLess<int32_t>(one, other);
  };
  switch (compare) {
  case BPF_JEQ:
    return left == right;
  case BPF_JNE:
    return left != right;
  case BPF_JGT:
    return left > right;
  case BPF_JGE:
    return left >= right;
  case BPF_JLT:
    return left < right;
  case BPF_JLE:
    return left <= right;
  case BPF_JSET:
    return (left & right) != 0;
  case BPF_JSGT:
    return less(right, left);
  case BPF_JSGE:
    return !less(left, right);
  case BPF_JSLT:
    return less(left, right);
  case BPF_JSLE:
    return !less(right, left);
  default:
    return {};
  }
}

// Registers, a bit each.
using Registers = uint16_t;

constexpr Registers only(unsigned reg) {
  return static_cast<Registers>(1u << reg);
}
constexpr Registers kArguments = 0b11'1110, kResult = only(0);

// It does nothing but to write a register.
bool onlyComputes(const Instruction& at) {
  const unsigned kind = BPF_CLASS(at.code);
  return kind == BPF_ALU || kind == BPF_ALU64 || at.code == kLoadImmediate64;
}

Registers writtenBy(const Instruction& at) {
  const unsigned kind = BPF_CLASS(at.code);
  if (isCall(at))
    return kArguments | kResult;
  return onlyComputes(at) || kind == BPF_LDX ? only(at.dst) : Registers{0}; // what else an atomic one writes stays read
}

Registers readBy(const Instruction& at) {
  const unsigned kind = BPF_CLASS(at.code), operation = BPF_OP(at.code);
  if (at.code == kLoadImmediate64)
    return 0;
  if (kind == BPF_LDX)
    return only(at.src);
  if (isCall(at))
    return kArguments; // however many it takes
  if (isJump(at) && operation == BPF_EXIT)
    return kResult;
  Registers read = only(at.dst);
  if ((kind == BPF_ALU || kind == BPF_ALU64) && operation == BPF_MOV)
    read = 0;
  if (kind == BPF_STX)
    return read | only(at.src) | kResult; // compare-and-swap
  return BPF_SRC(at.code) == BPF_X && kind != BPF_ST ? read | only(at.src) : read;
}

class Compaction {
public:
  Compaction(const std::vector<Instruction>& program, const Object& object)
      : program_(program), object_(object), starts_block_(program.size(), false), second_(program.size(), false),
        unread_(program.size(), false), ways_(program.size()), block_at_(program.size(), kNone) {}

  CompactCode run() {
    if (!findBlocks())
      return {program_, object_.func_info, object_.line_info}; // the kernel will say what is wrong
    enter(0, {});
    while (!waiting_.empty()) {
      const size_t start = waiting_.back();
      waiting_.pop_back();
      walk(start);
    }
    findUnread();
    numberAnew();
    CompactCode code;
    write(code.program);
    code.func_info = moved(object_.func_info, object_.func_info_size, true);
    code.line_info = moved(object_.line_info, object_.line_info_size, false);
    return code;
  }

private:
  struct Ways {
    bool reached = false, taken = false, on = false; // a branch's target, and what stands behind
  };

  // False for what is no program, or none of ours: jumps that lead out of it, half a number at its end, loads by
  // BPF_ABS and BPF_IND, which write and read more than they say.
  bool findBlocks() {
    for (size_t place = 0; place < program_.size(); ++place) {
      const Instruction& at = program_[place];
      if (namesFunction(at) || branches(at)) {
        const size_t target = namesFunction(at) ? place + 1 + at.imm : targetOf(program_, place);
        if (target >= program_.size())
          return false;
        starts_block_[target] = true;
      }
      if (BPF_CLASS(at.code) != BPF_LD)
        continue;
      if (at.code != kLoadImmediate64 || ++place == program_.size())
        return false;
      second_[place] = true;
    }
    return !program_.empty();
  }

  // What is there is reached with this state, too.
  void enter(size_t place, const State& state) {
    if (block_at_[place] == kNone) {
      block_at_[place] = static_cast<uint32_t>(entries_.size());
      entries_.push_back(state);
      waiting_.push_back(place);
      return;
    }
    State& known = entries_[block_at_[place]];
    bool changed = false;
    for (unsigned reg = 0; reg < kRegisters; ++reg)
      if (known[reg] && known[reg] != state[reg]) {
        known[reg].reset();
        changed = true;
      }
    if (changed)
      waiting_.push_back(place);
  }

  void walk(size_t place) {
    State state = entries_[block_at_[place]];
    while (place < program_.size()) { // the kernel refuses one that ends without an exit
      const Instruction& at = program_[place];
      Ways& ways = ways_[place];
      ways.reached = true;
      if (namesFunction(at))
        enter(place + 1 + at.imm, {}); // its arguments are not followed
      if (branches(at)) {
        const auto taken = isTaken(at, state);
        if (taken != false) {
          ways.taken = true;
          enter(targetOf(program_, place), state);
        }
        ways.on |= taken != true;
        if (taken == true)
          return;
      } else if (!goesOn(at)) {
        return;
      } else {
        step(place, state);
      }
      place += at.code == kLoadImmediate64 ? 2 : 1;
      if (place < program_.size() && starts_block_[place])
        return enter(place, state);
    }
  }

  static Known operand(const Instruction& at, const State& state) {
    return BPF_SRC(at.code) == BPF_X ? state[at.src] : Known(static_cast<uint64_t>(int64_t{at.imm}));
  }

  static std::optional<bool> isTaken(const Instruction& at, const State& state) {
    if (BPF_OP(at.code) == BPF_JA)
      return true;
    const Known left = state[at.dst], right = operand(at, state);
    if (!left || !right)
      return {};
    const bool wide = BPF_CLASS(at.code) == BPF_JMP;
    return holds(BPF_OP(at.code), narrowed(*left, wide), narrowed(*right, wide), wide);
  }

  void step(size_t place, State& state) const {
    const Instruction& at = program_[place];
    const unsigned kind = BPF_CLASS(at.code);
    if (at.code == kLoadImmediate64) {
      const auto low = static_cast<uint32_t>(at.imm), high = static_cast<uint32_t>(program_[place + 1].imm);
      state[at.dst] = at.src == 0 ? Known(uint64_t{high} << 32 | low) : Known();
    } else if (kind == BPF_ALU || kind == BPF_ALU64) {
      state[at.dst] = result(at, state);
    } else if (isCall(at)) {
      for (unsigned reg = 0; reg <= 5; ++reg)
        state[reg].reset();
    } else if (kind == BPF_STX) { // an atomic one writes its source, or r0
      state[0].reset();
      state[at.src].reset();
    } else {
      state[at.dst].reset();
    }
  }

  static Known result(const Instruction& at, const State& state) {
    const bool wide = BPF_CLASS(at.code) == BPF_ALU64;
    const Known left = state[at.dst], right = operand(at, state);
    const bool plain = at.offset == 0; // else it extends a sign, or divides by one
    if (BPF_OP(at.code) == BPF_MOV)
      return plain && right ? Known(narrowed(*right, wide)) : Known();
    return plain && left && right ? computed(BPF_OP(at.code), *left, *right, wide) : Known();
  }

  Registers readBehind(size_t place, const std::vector<Registers>& read) const {
    const Instruction& at = program_[place];
    if (!branches(at))
      return goesOn(at) ? read[place + (at.code == kLoadImmediate64 ? 2 : 1)] : Registers{0};
    return (ways_[place].taken ? read[targetOf(program_, place)] : 0) | (ways_[place].on ? read[place + 1] : 0);
  }

  // What an instruction that is left out reads, it does not read.
  void findUnread() {
    std::vector<Registers> read(program_.size(), 0); // by instruction: from there on
    read.push_back(static_cast<Registers>(~0u));     // behind the end, which a right program never reaches
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t place = program_.size(); place-- > 0;) {
        if (!ways_[place].reached)
          continue;
        const Instruction& at = program_[place];
        const Registers behind = readBehind(place, read);
        unread_[place] = onlyComputes(at) && (behind & only(at.dst)) == 0;
        const bool decided = branches(at) && ways_[place].taken != ways_[place].on;
        const Registers now = unread_[place] || decided ? behind : (behind & ~writtenBy(at)) | readBy(at);
        changed |= now != read[place];
        read[place] = now;
      }
    }
  }

  // From behind, as a jump goes away that leads to what follows it by then.
  void numberAnew() {
    std::vector<size_t> next(program_.size() + 1, program_.size()); // the first that is kept, from there on
    for (size_t place = program_.size(); place-- > 0;) {
      if (isKept(second_[place] ? place - 1 : place, next))
        next[place] = place;
      else
        next[place] = next[place + 1];
    }
    for (size_t place = 0; place < program_.size(); ++place) {
      number_.push_back(static_cast<uint32_t>(kept_.size()));
      if (next[place] == place)
        kept_.push_back(static_cast<uint32_t>(place));
    }
    number_.push_back(static_cast<uint32_t>(kept_.size()));
  }

  bool isKept(size_t place, const std::vector<size_t>& next) const {
    const Ways& ways = ways_[place];
    if (!ways.reached || !branches(program_[place]))
      return ways.reached && !unread_[place];
    const size_t target = targetOf(program_, place);
    return ways.taken && (target <= place || next[target] != next[place + 1]);
  }

  void write(std::vector<Instruction>& program) const {
    for (const uint32_t place : kept_) {
      Instruction at = program_[place];
      const auto from = static_cast<int64_t>(program.size()) + 1;
      if (second_[place]) {
        // a number's upper half
      } else if (namesFunction(at)) {
        at.imm = static_cast<int32_t>(number_[place + 1 + at.imm] - from);
      } else if (branches(at)) {
        const int64_t distance = number_[targetOf(program_, place)] - from;
        if (isLongJump(at)) {
          at.imm = static_cast<int32_t>(distance);
        } else {
          if (!ways_[place].on)
            at = kNothing;
          at.offset = static_cast<int16_t>(distance); // no further than before
        }
      }
      program.push_back(at);
    }
  }

  // Records that begin with an instruction's number, ascending. One for each that is kept, the nearest before it.
  std::vector<uint8_t> moved(const std::vector<uint8_t>& records, uint32_t size, bool of_functions) const {
    std::vector<uint8_t> result;
    std::optional<uint32_t> last;
    for (size_t at = 0; size != 0 && at + size <= records.size(); at += size) {
      uint32_t place = 0;
      std::memcpy(&place, &records[at], sizeof place);
      if (place >= program_.size() || number_[place] == kept_.size() || (of_functions && !ways_[place].reached))
        continue;
      if (last == number_[place])
        result.erase(result.end() - size, result.end());
      last = number_[place];
      const auto record = records.begin() + static_cast<ptrdiff_t>(at);
      result.insert(result.end(), record, record + size);
      std::memcpy(&result[result.size() - size], &*last, sizeof *last);
    }
    return result;
  }

  const std::vector<Instruction>& program_;
  const Object& object_;
  std::vector<bool> starts_block_, second_; // by instruction; of two that are one
  std::vector<bool> unread_;                // by instruction: it computes what nothing reads
  std::vector<Ways> ways_;                  // by instruction
  std::vector<uint32_t> block_at_;          // by instruction: its number, or kNone
  std::vector<State> entries_;              // by block: as it is reached
  std::vector<size_t> waiting_;             // starts of blocks that are to be walked, again perhaps
  std::vector<uint32_t> kept_;              // instructions, in order
  std::vector<uint32_t> number_;            // by instruction: its new number, or that of the next one that is kept
};

} // namespace

CompactCode compact(const std::vector<Instruction>& program, const Object& object) {
  return Compaction(program, object).run();
}

} // namespace xdpc::object
