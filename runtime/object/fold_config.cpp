// Follows the addresses of the configuration through the registers, block by block until nothing changes. A load
// through one becomes a constant, and an address that nothing else reads becomes nothing, which the kernel removes.
#include "runtime/object/fold_config.h"
#include "runtime/object/flow.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace xdpc::object {
namespace {

// What a register holds: the address of this number in Folding::addresses_, or anything else.
using Holds = int32_t;
constexpr Holds kOther = -1;
using State = std::array<Holds, kRegisters>;

constexpr uint32_t kNone = ~uint32_t{0};

class Folding {
public:
  Folding(const Object& object, const abi::Config& config)
      : object_(object), program_(object.program), address_at_(program_.size(), kOther),
        loads_(program_.size(), kOther), block_at_(program_.size(), kNone) {
    std::memcpy(config_, &config, sizeof config);
    for (const MapReference& reference : object.references)
      if (reference.value && object.manifest.maps.at(reference.map).role == abi::MapRole::config) {
        address_at_[reference.instruction] = static_cast<Holds>(addresses_.size());
        addresses_.push_back({reference});
      }
  }

  FoldedCode run() {
    findBlocks();
    while (!waiting_.empty()) {
      const size_t start = waiting_.back();
      waiting_.pop_back();
      walk(start);
    }
    for (size_t place = 0; place < loads_.size(); ++place)
      if (loads_[place] != kOther)
        replace(place, addresses_[loads_[place]]);
    FoldedCode code;
    for (const MapReference& reference : object_.references)
      if (const Holds held = address_at_[reference.instruction]; held == kOther || !remove(addresses_[held]))
        code.references.push_back(reference);
    code.program = std::move(program_);
    return code;
  }

private:
  struct Address {
    MapReference reference;
    bool reached = false;
    bool needed = false;   // by something else than loads that are folded
    bool is_value = false; // what was loaded is there instead
  };

  // Blocks start where jumps arrive, and where functions do.
  void findBlocks() {
    for (size_t place = 0; place < program_.size(); ++place) {
      const Instruction& at = program_[place];
      if (namesFunction(at))
        enterUnknown(place + 1 + at.imm);
      else if (branches(at))
        startBlock(targetOf(program_, place));
      place += at.code == kLoadImmediate64;
    }
    enterUnknown(0);
  }

  bool startBlock(size_t place) {
    if (place >= program_.size())
      return false;
    if (block_at_[place] == kNone) {
      block_at_[place] = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    }
    return true;
  }

  void enterUnknown(size_t place) {
    State unknown;
    unknown.fill(kOther);
    if (startBlock(place))
      enter(place, unknown);
  }

  // The block is reached with this state, too.
  void enter(size_t place, const State& state) {
    if (place >= program_.size())
      return;
    std::optional<State>& known = entries_[block_at_[place]];
    bool changed = !known;
    if (!known)
      known = state;
    for (unsigned reg = 0; reg < kRegisters; ++reg)
      if ((*known)[reg] != state[reg]) {
        need(state[reg]);
        changed |= (*known)[reg] != kOther;
        forget(*known, reg);
      }
    if (changed)
      waiting_.push_back(place);
  }

  void need(Holds held) {
    if (held != kOther)
      addresses_[held].needed = true;
  }
  void forget(State& state, unsigned reg) { need(std::exchange(state[reg], kOther)); }

  void walk(size_t place) {
    State state = *entries_[block_at_[place]];
    for (;; ++place) {
      const Instruction& at = program_[place];
      step(place, state);
      if (branches(at))
        enter(targetOf(program_, place), state);
      place += at.code == kLoadImmediate64;
      if (!goesOn(at) || place + 1 >= program_.size())
        return;
      if (block_at_[place + 1] != kNone)
        return enter(place + 1, state);
    }
  }

  void step(size_t place, State& state) {
    const Instruction& at = program_[place];
    const unsigned kind = BPF_CLASS(at.code);
    if (at.code == kLoadImmediate64) {
      state[at.dst] = address_at_[place];
      if (state[at.dst] != kOther)
        addresses_[state[at.dst]].reached = true;
    } else if (kind == BPF_LDX) {
      loads_[place] = canFold(place, state[at.src]) ? state[at.src] : kOther;
      if (loads_[place] == kOther)
        need(state[at.src]);
      state[at.dst] = kOther;
    } else if ((kind == BPF_ALU || kind == BPF_ALU64) && BPF_OP(at.code) == BPF_MOV) {
      need(BPF_SRC(at.code) == BPF_X ? state[at.src] : kOther);
      state[at.dst] = kOther;
    } else if (isCall(at)) {
      for (unsigned reg = 0; reg <= 5; ++reg)
        forget(state, reg);
    } else { // reads both, and may write either; an atomic compare-and-swap writes r0
      for (const unsigned reg : {unsigned{at.dst}, unsigned{at.src}, 0u})
        forget(state, reg);
    }
  }

  std::optional<uint64_t> valueOf(const Instruction& load, const Address& address) const {
    static constexpr unsigned kSizes[] = {4, 2, 1, 8}; // BPF_W, BPF_H, BPF_B, BPF_DW
    const unsigned size = kSizes[BPF_SIZE(load.code) >> 3];
    const int64_t offset = int64_t{address.reference.offset} + load.offset;
    if (BPF_MODE(load.code) != BPF_MEM || offset < 0 || size_t(offset) + size > sizeof config_)
      return {};
    uint64_t value = 0; // objects are little-endian, and so are we
    std::memcpy(&value, config_ + offset, size);
    return value;
  }

  bool isBehind(size_t place, const Address& address) const {
    return place == address.reference.instruction + 2 && block_at_[place] == kNone;
  }

  bool canFold(size_t place, Holds held) const {
    if (held == kOther)
      return false;
    const auto value = valueOf(program_[place], addresses_[held]);
    // A long one takes two instructions: those of the address, if they lie before it and are not needed.
    return value &&
           (*value <= UINT32_MAX || (isBehind(place, addresses_[held]) && program_[place].dst == program_[place].src));
  }

  void replace(size_t place, Address& address) {
    Instruction& load = program_[place];
    const uint64_t value = *valueOf(load, address);
    if (value > UINT32_MAX) {
      Instruction* pair = &program_[address.reference.instruction];
      pair[0].src = 0;
      pair[0].imm = static_cast<int32_t>(value);
      pair[1].imm = static_cast<int32_t>(value >> 32);
      address.is_value = true;
      load = kNothing;
      return;
    }
    const auto masked = static_cast<int32_t>(value & takeMask(place + 1, load.dst));
    load = {.code = BPF_ALU | BPF_MOV | BPF_K, .dst = load.dst, .src = 0, .offset = 0, .imm = masked};
  }

  // Of the instruction behind a load, which goes away.
  uint64_t takeMask(size_t place, unsigned reg) {
    if (place >= program_.size() || block_at_[place] != kNone)
      return ~uint64_t{0};
    Instruction& mask = program_[place];
    const bool narrow = mask.code == (BPF_ALU | BPF_AND | BPF_K);
    if ((!narrow && mask.code != (BPF_ALU64 | BPF_AND | BPF_K)) || mask.dst != reg)
      return ~uint64_t{0};
    const int64_t wide = mask.imm; // signed, as BPF takes it
    mask = kNothing;
    return narrow ? static_cast<uint32_t>(wide) : static_cast<uint64_t>(wide);
  }

  // False if the address is needed.
  bool remove(const Address& address) {
    if (address.is_value)
      return true;
    if (address.needed || !address.reached)
      return false;
    program_[address.reference.instruction] = program_[address.reference.instruction + 1] = kNothing;
    return true;
  }

  const Object& object_;
  std::vector<Instruction> program_;
  std::vector<Holds> address_at_;             // by instruction: which it makes
  std::vector<Holds> loads_;                  // by instruction: through which address it loads what is known
  std::vector<uint32_t> block_at_;            // by instruction: its number, or kNone
  std::vector<std::optional<State>> entries_; // by block: as it is reached
  std::vector<size_t> waiting_;               // starts of blocks that are to be walked, again perhaps
  std::vector<Address> addresses_;
  uint8_t config_[sizeof(abi::Config)];
};

} // namespace

FoldedCode foldConfig(const Object& object, const abi::Config& config) {
  return Folding(object, config).run();
}

} // namespace xdpc::object
