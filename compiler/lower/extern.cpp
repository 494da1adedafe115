// Lowers C functions and their calls.
#include "compiler/lower/extern.h"
#include "compiler/lower/c_module.h"
#include "compiler/lower/context_function.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/scan.h"
#include "compiler/lower/value.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace xdpc::lower {
namespace {

// Of a payload, as one argument: where it begins, and how many of its bytes C sees.
constexpr unsigned kPayloadBits = 32, kLengthBits = 12;

// Where an argument, or half of one, lies among the words that a call passes.
struct Part {
  unsigned bits = 64, word = 0, shift = 0;
};

std::vector<unsigned> partsOf(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bytes:
    return {kPayloadBits};
  case ir::TypeKind::Bool:
    return {8};
  case ir::TypeKind::Ipv4:
    return {32};
  case ir::TypeKind::Ipv6:
    return {64, 64};
  case ir::TypeKind::Mac:
    return {64};
  default:
    return {type.bits};
  }
}

// The largest first: they are powers of two, and so no bit is lost.
std::vector<Part> placeParts(const ir::Extern& callee) {
  std::vector<Part> parts;
  for (const ir::Type& type : callee.parameters)
    for (const unsigned bits : partsOf(type))
      parts.push_back({bits});
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return parts[i].bits; });
  unsigned at = 0;
  for (const size_t i : order) {
    parts[i].word = at / 64;
    parts[i].shift = at % 64;
    at += parts[i].bits;
  }
  return parts;
}

unsigned wordsOf(const std::vector<Part>& parts) {
  unsigned words = 0;
  for (const Part& part : parts)
    words = std::max(words, part.word + 1);
  return words;
}

// u64 extern_NAME(context, words…)
class ExternFunction {
public:
  ExternFunction(Builder& b, const ir::Extern& callee, llvm::Function* c) : b(b), callee_(callee), c_(c) {}

  void run() {
    absent_ = b.block("absent");
    const std::vector<Part> parts = placeParts(callee_);
    auto part = parts.begin();
    for (const ir::Type& type : callee_.parameters) {
      if (type.kind == ir::TypeKind::Bytes) {
        passPayload(read(*part++));
        continue;
      }
      for (size_t left = partsOf(type).size(); left > 0; --left)
        pass(read(*part++));
    }
    llvm::Value* result = b.CreateZExt(b.CreateCall(c_, arguments_), b.getInt64Ty());
    b.CreateRet(result);
    b.startBlock(absent_);
    b.CreateRet(b.u64(0));
  }

private:
  llvm::Value* read(const Part& part) {
    llvm::Value* shifted = b.CreateLShr(b.function().getArg(1 + part.word), part.shift);
    return part.bits == 64 ? shifted : b.CreateAnd(shifted, (uint64_t{1} << part.bits) - 1);
  }

  void pass(llvm::Value* value) {
    llvm::Type* type = c_->getFunctionType()->getParamType(static_cast<unsigned>(arguments_.size()));
    arguments_.push_back(b.CreateZExtOrTrunc(value, type));
  }

  // The payload's bytes, copied. An empty one has nothing to copy, and C is called all the same.
  void passPayload(llvm::Value* payload) {
    auto *found = b.block("found"), *some = b.block("some"), *copied = b.block("copied");
    llvm::Value* buffer = payloadBuffer(b);
    b.CreateCondBr(b.CreateIsNull(buffer), absent_, found);
    b.startBlock(found);
    const size_t places = b.program().payload_headers.size();
    llvm::Value* bytes =
        b.at(buffer, places * ir::kMaxPayloadBytes + payloads_++ * ir::kCPayloadRoom + ir::kCPayloadBefore);
    llvm::Value* length = b.CreateAnd(payload, (uint64_t{1} << kLengthBits) - 1);
    llvm::Value* start = b.CreateTrunc(b.CreateLShr(payload, kLengthBits), b.getInt32Ty());
    b.CreateCondBr(b.CreateICmpEQ(length, b.u64(0)), copied, some);
    b.startBlock(some);
    llvm::Value* size = boundedSize(length);
    llvm::Value* result =
        b.call(BpfHelper::xdp_load_bytes, {b.context, start, bytes, b.CreateTrunc(size, b.getInt32Ty())});
    b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), copied, absent_);
    b.startBlock(copied);
    llvm::PHINode* seen = b.CreatePHI(b.getInt64Ty(), 2, "length");
    seen->addIncoming(b.u64(0), found);
    seen->addIncoming(size, some);
    arguments_.push_back(bytes);
    pass(seen);
  }

  // 1 and up by its bits, as in scan.cpp.
  llvm::Value* boundedSize(llvm::Value* length) {
    static_assert(std::has_single_bit(ir::kMaxPayloadBytes));
    llvm::Value* less = b.opaque(b.CreateAnd(b.opaque(b.CreateSub(length, b.u64(1))), ir::kMaxPayloadBytes - 1));
    return b.opaque(b.CreateAdd(less, b.u64(1)));
  }

  Builder& b;
  const ir::Extern& callee_;
  llvm::Function* c_;
  llvm::BasicBlock* absent_ = nullptr;
  std::vector<llvm::Value*> arguments_;
  size_t payloads_ = 0;
};

// Of numbers below 2^63, without a branch: each would be one more way for the verifier through all rules behind it.
llvm::Value* smaller(Builder& b, llvm::Value* left, llvm::Value* right) {
  llvm::Value* difference = b.CreateSub(left, right);
  return b.CreateAdd(right, b.CreateAnd(difference, b.opaque(b.CreateAShr(difference, 63))));
}

// Up to IP's length and the frame's end, and no more than C sees.
llvm::Value* payloadArgument(Builder& b, const Packet& packet, ir::HeaderId header) {
  const auto found = packet.find(b.policy(), header);
  llvm::Value* start = endOf(b, packet, *found);
  llvm::Value* end = packet.ipEnd(b.policy().headers[found->id].packet);
  if (b.program().headers[found->id].before_ip) { // 0 where there is no IP
    llvm::Value* none = b.isLess(end, b.u64(1));
    end = b.CreateOr(end, b.CreateLShr(b.opaque(b.CreateNeg(none)), 1));
  }
  llvm::Value* bytes = b.CreateSub(smaller(b, end, b.length), start);
  bytes = b.CreateAnd(bytes, b.opaque(b.CreateNot(b.CreateAShr(bytes, 63)))); // IP may end before its payload begins
  return b.CreateOr(b.CreateShl(start, kLengthBits), smaller(b, bytes, b.u64(ir::kMaxPayloadBytes)));
}

} // namespace

void makeExternFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  const ir::Policy& policy = *program.policy;
  const auto linked = linkCModules(program, module);
  for (const auto& [id, c] : linked) {
    const ir::Extern& callee = policy.externs[id];
    if (!callee.used)
      continue;
    globals.externs[id] = makeContextFunction(
        program, module, debug, globals, "extern_" + callee.name, callee.span,
        [&](Builder& b) { ExternFunction(b, callee, c).run(); }, wordsOf(placeParts(callee)));
  }
}

llvm::Value* lowerExternCall(Builder& b, const Packet& packet, const ir::Expr& call) {
  const ir::Extern& callee = b.policy().externs[call.id];
  const std::vector<Part> parts = placeParts(callee);
  std::vector<llvm::Value*> words(wordsOf(parts), nullptr);
  auto part = parts.begin();
  auto put = [&](llvm::Value* value) {
    llvm::Value* shifted = b.CreateShl(b.CreateZExt(value, b.getInt64Ty()), part->shift);
    llvm::Value*& word = words[part++->word];
    word = word ? b.CreateOr(word, shifted) : shifted;
  };
  for (const ir::Expr& argument : call.args) {
    if (argument.kind == ir::ExprKind::Payload) {
      put(payloadArgument(b, packet, argument.header));
      continue;
    }
    const Value value = lowerValue(b, packet, argument);
    if (value.high)
      put(value.high);
    put(value.low);
  }
  std::vector<llvm::Value*> arguments = {b.context};
  arguments.insert(arguments.end(), words.begin(), words.end());
  llvm::Value* result = b.CreateCall(b.globals().externs.at(call.id), arguments);
  if (callee.result.kind == ir::TypeKind::Bool)
    return b.CreateZExt(b.CreateICmpNE(result, b.u64(0)), b.getInt64Ty());
  return result;
}

} // namespace xdpc::lower
