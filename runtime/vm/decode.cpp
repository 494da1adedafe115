// See decode.h. Encodings: the kernel's Documentation/bpf/standardization/instruction-set.rst.
#include "runtime/vm/decode.h"

#include "runtime/vm/memory.h"

#include <linux/bpf.h>

namespace xdpc::vm {
namespace {

using object::Instruction;

constexpr uint8_t kModeSigned = 0x80; // BPF_MEMSX; not in the headers of Debian 12

Code wide(Code code64, bool is64) {
  return Code(uint8_t(code64) + (is64 ? 0 : 1));
}

// Division and move have variants in the offset field; all others keep it zero.
Code aluCode(const Instruction& insn) {
  uint8_t op = BPF_OP(insn.code);
  if (op == BPF_DIV)
    return insn.offset == 0 ? Code::div_64 : insn.offset == 1 ? Code::sdiv_64 : Code::invalid;
  if (op == BPF_MOD)
    return insn.offset == 0 ? Code::mod_64 : insn.offset == 1 ? Code::smod_64 : Code::invalid;
  if (op == BPF_MOV && insn.offset != 0) {
    if (BPF_SRC(insn.code) != BPF_X)
      return Code::invalid;
    bool is64 = BPF_CLASS(insn.code) == BPF_ALU64;
    return insn.offset == 8              ? Code::movsx8_64
           : insn.offset == 16           ? Code::movsx16_64
           : (insn.offset == 32 && is64) ? Code::movsx32
                                         : Code::invalid;
  }
  if (insn.offset != 0)
    return Code::invalid;
  switch (op) {
  case BPF_ADD:
    return Code::add_64;
  case BPF_SUB:
    return Code::sub_64;
  case BPF_MUL:
    return Code::mul_64;
  case BPF_OR:
    return Code::bit_or_64;
  case BPF_AND:
    return Code::bit_and_64;
  case BPF_XOR:
    return Code::bit_xor_64;
  case BPF_LSH:
    return Code::lsh_64;
  case BPF_RSH:
    return Code::rsh_64;
  case BPF_ARSH:
    return Code::arsh_64;
  case BPF_NEG:
    return Code::neg_64;
  case BPF_MOV:
    return Code::mov_64;
  default:
    return Code::invalid;
  }
}

Code endCode(const Instruction& insn) {
  bool swap = BPF_CLASS(insn.code) == BPF_ALU64 || BPF_SRC(insn.code) == BPF_TO_BE;
  if (insn.offset != 0 || (BPF_CLASS(insn.code) == BPF_ALU64 && BPF_SRC(insn.code) != 0))
    return Code::invalid;
  switch (insn.imm) {
  case 16:
    return swap ? Code::swap16 : Code::zext16;
  case 32:
    return swap ? Code::swap32 : Code::zext32;
  case 64:
    return swap ? Code::swap64 : Code::zext64;
  default:
    return Code::invalid;
  }
}

Code jumpCode(uint8_t op) {
  switch (op) {
  case BPF_JEQ:
    return Code::jeq_64;
  case BPF_JNE:
    return Code::jne_64;
  case BPF_JGT:
    return Code::jgt_64;
  case BPF_JGE:
    return Code::jge_64;
  case BPF_JLT:
    return Code::jlt_64;
  case BPF_JLE:
    return Code::jle_64;
  case BPF_JSGT:
    return Code::jsgt_64;
  case BPF_JSGE:
    return Code::jsge_64;
  case BPF_JSLT:
    return Code::jslt_64;
  case BPF_JSLE:
    return Code::jsle_64;
  case BPF_JSET:
    return Code::jset_64;
  default:
    return Code::invalid;
  }
}

Code loadCode(uint8_t code) {
  bool is_signed = BPF_MODE(code) == kModeSigned;
  if (!is_signed && BPF_MODE(code) != BPF_MEM)
    return Code::invalid;
  switch (BPF_SIZE(code)) {
  case BPF_B:
    return is_signed ? Code::loads8 : Code::load8;
  case BPF_H:
    return is_signed ? Code::loads16 : Code::load16;
  case BPF_W:
    return is_signed ? Code::loads32 : Code::load32;
  default:
    return is_signed ? Code::invalid : Code::load64;
  }
}

Code storeCode(uint8_t code) {
  switch (BPF_SIZE(code)) {
  case BPF_B:
    return Code::store8;
  case BPF_H:
    return Code::store16;
  case BPF_W:
    return Code::store32;
  default:
    return Code::store64;
  }
}

bool isAtomic(int32_t op) {
  switch (op & ~BPF_FETCH) {
  case BPF_ADD:
  case BPF_OR:
  case BPF_AND:
  case BPF_XOR:
    return true;
  default:
    return op == BPF_XCHG || op == BPF_CMPXCHG;
  }
}

class Decoder {
public:
  explicit Decoder(std::span<const Instruction> program) : program_(program), out_(program.size() + 1) {}

  std::vector<Operation> run() {
    for (size_t i = 0; i < program_.size(); ++i)
      if (i != skip_)
        out_[i] = one(i);
    out_.back().code = Code::past_end;
    return std::move(out_);
  }

private:
  Operation one(size_t at) {
    const Instruction& insn = program_[at];
    Operation out{Code::invalid, insn.dst, insn.src, insn.offset, uint64_t(int64_t(insn.imm))};
    if (insn.dst >= kRegisters || insn.src >= kRegisters)
      return {};
    switch (BPF_CLASS(insn.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return alu(insn, out);
    case BPF_JMP:
    case BPF_JMP32:
      return jump(at, insn, out);
    case BPF_LDX:
      out.code = loadCode(insn.code);
      return writesResult(out);
    case BPF_STX:
      return storeRegister(insn, out);
    case BPF_ST:
      out.src = kImmediate;
      out.code = BPF_MODE(insn.code) == BPF_MEM ? storeCode(insn.code) : Code::invalid;
      return out;
    default:
      return constant(at, insn, out);
    }
  }

  static Operation writesResult(Operation out) {
    if (out.dst == kFramePointer)
      out.code = Code::invalid; // the frame pointer is read-only
    return out;
  }

  static Operation alu(const Instruction& insn, Operation out) {
    if (BPF_OP(insn.code) == BPF_END) {
      out.code = endCode(insn);
      return writesResult(out);
    }
    out.code = aluCode(insn);
    if (out.code != Code::invalid && out.code != Code::movsx32)
      out.code = wide(out.code, BPF_CLASS(insn.code) == BPF_ALU64);
    if (BPF_SRC(insn.code) == BPF_K)
      out.src = kImmediate;
    return writesResult(out);
  }

  Operation jump(size_t at, const Instruction& insn, Operation out) {
    uint8_t op = BPF_OP(insn.code);
    bool is64 = BPF_CLASS(insn.code) == BPF_JMP;
    if (op == BPF_CALL || op == BPF_EXIT)
      return is64 && BPF_SRC(insn.code) == BPF_K ? callOrExit(at, insn, out) : Operation{};
    int64_t distance = op == BPF_JA && !is64 ? insn.imm : insn.offset;
    out.code = op == BPF_JA ? Code::jump : jumpCode(op);
    if (op != BPF_JA && out.code != Code::invalid)
      out.code = wide(out.code, is64);
    if (BPF_SRC(insn.code) == BPF_K)
      out.src = kImmediate;
    out.offset = target(at, distance);
    return out;
  }

  Operation callOrExit(size_t at, const Instruction& insn, Operation out) {
    if (BPF_OP(insn.code) == BPF_EXIT) {
      out.code = Code::exit;
    } else if (insn.src == 0) {
      out.code = Code::call_helper;
    } else if (insn.src == BPF_PSEUDO_CALL) {
      out.code = Code::call_function;
      out.offset = target(at, insn.imm);
    }
    return out;
  }

  static Operation storeRegister(const Instruction& insn, Operation out) {
    bool word = BPF_SIZE(insn.code) == BPF_W;
    if (BPF_MODE(insn.code) == BPF_MEM)
      out.code = storeCode(insn.code);
    else if (BPF_MODE(insn.code) == BPF_ATOMIC && (word || BPF_SIZE(insn.code) == BPF_DW) && isAtomic(insn.imm) &&
             !(insn.imm & BPF_FETCH && insn.src == kFramePointer))
      out.code = word ? Code::atomic32 : Code::atomic64;
    return out;
  }

  Operation constant(size_t at, const Instruction& insn, Operation out) {
    if (insn.code != (BPF_LD | BPF_IMM | BPF_DW) || at + 1 >= program_.size() || program_[at + 1].code != 0)
      return {};
    out.imm = uint64_t{uint32_t(program_[at + 1].imm)} << 32 | uint32_t(insn.imm);
    out.code = Code::constant;
    if (insn.src == BPF_PSEUDO_FUNC)
      out.imm = address(kFunctionHandles, uint32_t(target(at, insn.imm)));
    else if (insn.src != 0)
      out.code = Code::invalid; // a map that no reference names
    skip_ = at + 1;
    return writesResult(out);
  }

  // Number of the operation; that behind the last one for every place outside the program.
  int32_t target(size_t at, int64_t distance) const {
    int64_t out = int64_t(at) + 1 + distance;
    return int32_t(out < 0 || out > int64_t(program_.size()) ? int64_t(program_.size()) : out);
  }

  std::span<const Instruction> program_;
  std::vector<Operation> out_;
  size_t skip_ = SIZE_MAX; // the second half of a 64-bit immediate is no instruction
};

} // namespace

std::vector<Operation> decode(std::span<const object::Instruction> program, std::span<const ResolvedLoad> loads) {
  std::vector<Operation> out = Decoder(program).run();
  for (const ResolvedLoad& load : loads) {
    out[load.instruction].code = Code::constant;
    out[load.instruction].imm = load.address;
  }
  return out;
}

} // namespace xdpc::vm
