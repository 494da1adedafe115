// CRC32c in functions of their own, which the kernel verifies once. Numbers are polynomials modulo the CRC's, mirrored
// as on the wire: the highest power of x is the lowest bit.
#include "compiler/lower/crc32c.h"
#include "compiler/lower/key_function.h"

#include <llvm/IR/Intrinsics.h>

#include <array>

namespace xdpc::lower {
namespace {

constexpr const char* kChange = "crc32c_change";
constexpr uint32_t kPolynomial = 0x82f63b78;
constexpr unsigned kLengthBits = 17; // of `behind`: a frame of fragments can be a little longer than 64 KiB

constexpr uint32_t timesX(uint32_t number) {
  return number >> 1 ^ (number & 1 ? kPolynomial : 0);
}

constexpr uint32_t multiply(uint32_t left, uint32_t right) {
  uint32_t product = 0;
  for (int i = 31; i >= 0; --i, right = timesX(right))
    product ^= left >> i & 1 ? right : 0;
  return product;
}

// Entry i moves a number over 2^i bytes: x^(8 * 2^i).
constexpr std::array<uint32_t, kLengthBits> makeMoves() {
  std::array<uint32_t, kLengthBits> moves{};
  uint32_t move = uint32_t{1} << 31; // 1
  for (int i = 0; i < 8; ++i)
    move = timesX(move);
  for (uint32_t& one : moves) {
    one = move;
    move = multiply(move, move);
  }
  return moves;
}
constexpr auto kMoves = makeMoves();

// A loop of `turns` over numbers that `step` gives anew; the builder stands behind it.
std::vector<llvm::Value*>
repeat(Builder& b, unsigned turns, const std::vector<llvm::Value*>& first,
       const std::function<std::vector<llvm::Value*>(const std::vector<llvm::Value*>&, llvm::Value* turn)>& step) {
  auto *before = b.GetInsertBlock(), *body = b.block("turn"), *done = b.block("turned");
  b.CreateBr(body);
  b.startBlock(body);
  const auto phi = [&](llvm::Value* start) {
    llvm::PHINode* node = b.CreatePHI(b.getInt64Ty(), 2);
    node->addIncoming(start, before);
    return node;
  };
  llvm::PHINode* turn = phi(b.u64(0));
  std::vector<llvm::Value*> values;
  for (llvm::Value* start : first)
    values.push_back(phi(start));
  const std::vector<llvm::Value*> next = step(values, turn);
  llvm::Value* next_turn = b.opaque(b.CreateAdd(turn, b.u64(1)));
  turn->addIncoming(next_turn, body);
  for (size_t i = 0; i < values.size(); ++i)
    llvm::cast<llvm::PHINode>(values[i])->addIncoming(next[i], body);
  b.CreateCondBr(b.CreateICmpULT(next_turn, b.u64(turns)), body, done);
  b.startBlock(done);
  return next;
}

// All ones where the number's lowest bit is set, else zero; no branch.
llvm::Value* spread(Builder& b, llvm::Value* number) {
  return b.opaque(b.CreateNeg(b.CreateAnd(number, 1)));
}

llvm::Value* timesX(Builder& b, llvm::Value* number) {
  return b.CreateXor(b.CreateLShr(number, 1), b.CreateAnd(spread(b, number), kPolynomial));
}

// u32 crc32c_multiply(left, right)
llvm::Value* lowerMultiply(Builder& b) {
  llvm::Value *left = b.function().getArg(1), *right = b.function().getArg(2);
  return repeat(b, 32, {b.u64(0), right}, [&](const auto& values, llvm::Value* turn) {
    llvm::Value* bit = b.CreateLShr(left, b.CreateSub(b.u64(31), turn));
    llvm::Value* product = b.CreateXor(values[0], b.CreateAnd(spread(b, bit), values[1]));
    return std::vector{product, timesX(b, values[1])};
  })[0];
}

// u32 crc32c_change(change, behind): eight bytes of the change, then as many zeros.
llvm::Value* lowerChange(Builder& b, llvm::Function* multiply) {
  llvm::Value *change = b.function().getArg(1), *behind = b.function().getArg(2);
  llvm::Value* bytes = b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, change);
  llvm::Value* crc =
      repeat(b, 64, {bytes}, [&](const auto& values, llvm::Value*) { return std::vector{timesX(b, values[0])}; })[0];
  for (unsigned i = 0; i < kLengthBits; ++i) {
    auto *from = b.GetInsertBlock(), *move = b.block("move"), *moved = b.block("moved");
    b.CreateCondBr(b.CreateICmpEQ(b.CreateAnd(behind, uint64_t{1} << i), b.u64(0)), moved, move);
    b.startBlock(move);
    llvm::Value* far = callNumberFunction(b, multiply, {.low = crc, .high = b.u64(kMoves[i])});
    far = b.CreateZExt(far, b.getInt64Ty());
    b.CreateBr(moved);
    b.startBlock(moved);
    llvm::PHINode* either = b.CreatePHI(b.getInt64Ty(), 2);
    either->addIncoming(crc, from);
    either->addIncoming(far, move);
    crc = either;
  }
  return crc;
}

bool rewritesUnderCrc(const plan::Program& program) {
  const auto& headers = program.policy->headers;
  for (ir::HeaderId id = 0; program.rewrites && id < headers.size(); ++id)
    if (headers[id].checksum && headers[id].checksum->coverage == ir::Coverage::crc32c && program.headers[id].asked)
      return true;
  return false;
}

} // namespace

void makeCrcFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals) {
  if (!rewritesUnderCrc(program))
    return;
  const auto make = [&](const char* name, const std::function<llvm::Value*(Builder&)>& body) {
    return makeNumberFunction(program, module, debug, globals, name, program.policy->rules.front().span,
                              {Value::Kind::number},
                              [&](Builder& b, const Value&) { return b.CreateTrunc(body(b), b.getInt32Ty()); });
  };
  llvm::Function* multiply = make("crc32c_multiply", lowerMultiply);
  make(kChange, [&](Builder& b) { return lowerChange(b, multiply); });
}

llvm::Value* lowerCrcChange(Builder& b, llvm::Value* change, llvm::Value* behind) {
  llvm::Value* crc =
      callNumberFunction(b, b.function().getParent()->getFunction(kChange), {.low = behind, .high = change});
  crc = b.CreateZExt(b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, crc),
                     b.getInt64Ty()); // its lowest byte is sent first
  return b.CreateSelect(b.CreateICmpSLT(behind, b.u64(0)), b.u64(0), crc);
}

} // namespace xdpc::lower
