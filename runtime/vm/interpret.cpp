// The interpreter's loop. Every case is one operation of decode.h; semantics as in the kernel's ___bpf_prog_run and
// Documentation/bpf/standardization/instruction-set.rst. Tested by tests/unit/vm/alu_test.cpp, jump_test.cpp and,
// against the kernel, kernel_test.cpp.
#include "runtime/vm/machine.h"

namespace xdpc::vm {
namespace {

// Division by zero gives 0 and leaves the remainder's operand; the most negative number divided by -1 wraps.
template <class T> T divide(T a, T b) {
  return b == 0 ? 0 : a / b;
}
template <class T> T remainder(T a, T b) {
  return b == 0 ? a : a % b;
}
template <class U, class S = std::make_signed_t<U>> U signedDivide(U a, U b) {
  return b == U(-1) ? U(0) - a : U(divide<S>(S(a), S(b)));
}
template <class U, class S = std::make_signed_t<U>> U signedRemainder(U a, U b) {
  return b == U(-1) ? 0 : U(remainder<S>(S(a), S(b)));
}

} // namespace

template <class T> inline bool Machine::load(uint64_t address, T& out) {
  const uint8_t* from = memory_.at(address, sizeof(T), Access::read);
  if (!from) [[unlikely]] {
    badAccess(address, sizeof(T), Access::read);
    return false;
  }
  std::memcpy(&out, from, sizeof(T));
  return true;
}

template <class T> inline bool Machine::store(uint64_t address, T value) {
  uint8_t* to = memory_.at(address, sizeof(T), Access::write);
  if (!to) [[unlikely]] {
    badAccess(address, sizeof(T), Access::write);
    return false;
  }
  std::memcpy(to, &value, sizeof(T));
  return true;
}

// One thread runs the program, so that an atomic operation is a plain one.
template <class T> bool Machine::atomic(const Operation& op) {
  uint64_t address = registers_[op.dst] + int64_t(op.offset);
  uint8_t* place = memory_.at(address, sizeof(T), Access::write);
  if (!place) {
    badAccess(address, sizeof(T), Access::write);
    return false;
  }
  T old, operand = T(registers_[op.src]);
  std::memcpy(&old, place, sizeof(T));
  T value = old;
  switch (op.imm) {
  case BPF_ADD:
  case BPF_ADD | BPF_FETCH:
    value = old + operand;
    break;
  case BPF_OR:
  case BPF_OR | BPF_FETCH:
    value = old | operand;
    break;
  case BPF_AND:
  case BPF_AND | BPF_FETCH:
    value = old & operand;
    break;
  case BPF_XOR:
  case BPF_XOR | BPF_FETCH:
    value = old ^ operand;
    break;
  case BPF_XCHG:
    value = operand;
    break;
  case BPF_CMPXCHG:
    value = old == T(registers_[0]) ? operand : old;
    break;
  }
  std::memcpy(place, &value, sizeof(T));
  if (op.imm == BPF_CMPXCHG)
    registers_[0] = old;
  else if (op.imm & BPF_FETCH)
    registers_[op.src] = old;
  return true;
}

#define XDPC_ALU(name, expression)                                                                                     \
  case Code::name##_64: {                                                                                              \
    using U = uint64_t;                                                                                                \
    using S [[maybe_unused]] = int64_t;                                                                                \
    U a [[maybe_unused]] = r[op.dst], b [[maybe_unused]] = r[op.src];                                                  \
    r[op.dst] = U(expression);                                                                                         \
    break;                                                                                                             \
  }                                                                                                                    \
  case Code::name##_32: {                                                                                              \
    using U = uint32_t;                                                                                                \
    using S [[maybe_unused]] = int32_t;                                                                                \
    U a [[maybe_unused]] = U(r[op.dst]), b [[maybe_unused]] = U(r[op.src]);                                            \
    r[op.dst] = U(expression);                                                                                         \
    break;                                                                                                             \
  }

#define XDPC_JUMP(name, type, condition)                                                                               \
  case Code::name##_64: {                                                                                              \
    auto a = type##64_t(r[op.dst]), b = type##64_t(r[op.src]);                                                         \
    pc = (condition) ? uint32_t(op.offset) : pc;                                                                       \
    break;                                                                                                             \
  }                                                                                                                    \
  case Code::name##_32: {                                                                                              \
    auto a = type##32_t(r[op.dst]), b = type##32_t(r[op.src]);                                                         \
    pc = (condition) ? uint32_t(op.offset) : pc;                                                                       \
    break;                                                                                                             \
  }

#define XDPC_LOAD(name, type)                                                                                          \
  case Code::name: {                                                                                                   \
    type value;                                                                                                        \
    if (!load(r[op.src] + int64_t(op.offset), value)) [[unlikely]]                                                     \
      goto failed;                                                                                                     \
    r[op.dst] = uint64_t(int64_t(value));                                                                              \
    break;                                                                                                             \
  }

#define XDPC_STORE(name, type)                                                                                         \
  case Code::name:                                                                                                     \
    if (!store(r[op.dst] + int64_t(op.offset), type(r[op.src]))) [[unlikely]]                                          \
      goto failed;                                                                                                     \
    break;

// True if the main program has returned.
bool Machine::interpret(uint64_t budget) {
  uint64_t* const r = registers_;
  const Operation* const code = code_.data();
  uint32_t pc = 0;
  for (;;) {
    const Operation& op = code[pc++];
    if (budget-- == 0) [[unlikely]] {
      fail("has used up its budget of instructions");
      goto failed;
    }
    r[kImmediate] = op.imm;
    switch (op.code) {
      XDPC_ALU(add, a + b)
      XDPC_ALU(sub, a - b)
      XDPC_ALU(mul, a * b)
      XDPC_ALU(div, divide<U>(a, b))
      XDPC_ALU(mod, remainder<U>(a, b))
      XDPC_ALU(sdiv, signedDivide<U>(a, b))
      XDPC_ALU(smod, signedRemainder<U>(a, b))
      XDPC_ALU(bit_or, a | b)
      XDPC_ALU(bit_and, a & b)
      XDPC_ALU(bit_xor, a ^ b)
      XDPC_ALU(lsh, a << (b & (sizeof(U) * 8 - 1)))
      XDPC_ALU(rsh, a >> (b & (sizeof(U) * 8 - 1)))
      XDPC_ALU(arsh, S(a) >> (b & (sizeof(U) * 8 - 1)))
      XDPC_ALU(neg, U(0) - a)
      XDPC_ALU(mov, b)
      XDPC_ALU(movsx8, int8_t(b))
      XDPC_ALU(movsx16, int16_t(b))
      XDPC_JUMP(jeq, uint, a == b)
      XDPC_JUMP(jne, uint, a != b)
      XDPC_JUMP(jgt, uint, a > b)
      XDPC_JUMP(jge, uint, a >= b)
      XDPC_JUMP(jlt, uint, a < b)
      XDPC_JUMP(jle, uint, a <= b)
      XDPC_JUMP(jsgt, int, a > b)
      XDPC_JUMP(jsge, int, a >= b)
      XDPC_JUMP(jslt, int, a < b)
      XDPC_JUMP(jsle, int, a <= b)
      XDPC_JUMP(jset, uint, (a & b) != 0)
      XDPC_LOAD(load8, uint8_t)
      XDPC_LOAD(load16, uint16_t)
      XDPC_LOAD(load32, uint32_t)
      XDPC_LOAD(load64, uint64_t)
      XDPC_LOAD(loads8, int8_t)
      XDPC_LOAD(loads16, int16_t)
      XDPC_LOAD(loads32, int32_t)
      XDPC_STORE(store8, uint8_t)
      XDPC_STORE(store16, uint16_t)
      XDPC_STORE(store32, uint32_t)
      XDPC_STORE(store64, uint64_t)
    case Code::movsx32:
      r[op.dst] = uint64_t(int64_t(int32_t(r[op.src])));
      break;
    case Code::swap16:
      r[op.dst] = __builtin_bswap16(uint16_t(r[op.dst]));
      break;
    case Code::swap32:
      r[op.dst] = __builtin_bswap32(uint32_t(r[op.dst]));
      break;
    case Code::swap64:
      r[op.dst] = __builtin_bswap64(r[op.dst]);
      break;
    case Code::zext16:
      r[op.dst] = uint16_t(r[op.dst]);
      break;
    case Code::zext32:
      r[op.dst] = uint32_t(r[op.dst]);
      break;
    case Code::zext64:
      break;
    case Code::jump:
      pc = uint32_t(op.offset);
      break;
    case Code::constant:
      r[op.dst] = op.imm;
      ++pc; // its second half
      break;
    case Code::atomic32:
      if (!atomic<uint32_t>(op))
        goto failed;
      break;
    case Code::atomic64:
      if (!atomic<uint64_t>(op))
        goto failed;
      break;
    case Code::call_helper:
      if (!helper(op.imm)) [[unlikely]]
        goto failed;
      break;
    case Code::call_function:
      if (!enter(pc))
        goto failed;
      pc = uint32_t(op.offset);
      break;
    case Code::exit:
      if (!leave(pc))
        return true;
      break;
    case Code::invalid:
      fail("is no instruction that the embedded engine knows");
      goto failed;
    case Code::past_end:
      fail("lies outside the program");
      goto failed;
    }
  }
failed:
  pc_ = pc - 1;
  return false;
}

} // namespace xdpc::vm
