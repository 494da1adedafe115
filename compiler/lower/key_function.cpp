// Functions that take one key.
#include "compiler/lower/key_function.h"
#include "runtime/abi/keyed_table.h"

namespace xdpc::lower {
namespace {

Value keyArgument(Builder& b, Value::Kind kind) {
  llvm::Function& function = b.function();
  llvm::Value *high = function.getArg(1), *low = function.getArg(2);
  switch (kind) {
  case Value::Kind::number:
    return {.low = low};
  case Value::Kind::v4:
    return {kind, b.CreateTrunc(low, b.getInt32Ty()), nullptr, 32};
  case Value::Kind::v6:
    return {kind, low, high, 128};
  }
  return {};
}

// The function up to the choice by kind; `choose` goes to the entry's end.
llvm::Function* declare(llvm::Module& module, const std::string& name) {
  auto& context = module.getContext();
  auto *u32 = llvm::Type::getInt32Ty(context), *u64 = llvm::Type::getInt64Ty(context);
  // Weak: the optimizer must not look inside, else callers leave out arguments that the verifier wants to be set.
  auto* function = llvm::Function::Create(llvm::FunctionType::get(u32, {u32, u64, u64, u64}, false),
                                          llvm::Function::WeakAnyLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  return function;
}

// Calls `body` once for each kind, in its block; other kinds go to `other`.
void lowerKinds(Builder& b, const ValueKinds& kinds, llvm::BasicBlock* other,
                const std::function<void(const Value&)>& body) {
  auto* choose = b.CreateSwitch(b.function().getArg(0), other);
  for (Value::Kind kind : kinds) {
    auto* start = b.block("kind");
    choose->addCase(b.getInt32(static_cast<uint32_t>(kind)), start);
    b.startBlock(start);
    body(keyArgument(b, kind));
  }
}

void start(Builder& b, DebugInfo& debug, Span place) {
  debug.enterFunction(b.function(), {32, 64, 64, 64});
  b.startBlock(b.block("entry"));
  debug.setPlace(b, place);
  b.length = b.function().getArg(3);
}

llvm::Value* call(Builder& b, llvm::Function* function, const Value& key, llvm::Value* length) {
  return b.CreateCall(function, {b.u32(static_cast<uint32_t>(key.kind)), key.high ? key.high : b.u64(0),
                                 b.CreateZExt(key.low, b.getInt64Ty()), length});
}

} // namespace

llvm::Function* makeKeyFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                const Globals& globals, const std::string& name, Span place, const ValueKinds& kinds,
                                const KeyFunctionBody& body) {
  llvm::Function* function = declare(module, name);
  Builder b(program, module, *function, globals);
  start(b, debug, place);
  auto *yes = b.block("yes"), *no = b.block("no");
  lowerKinds(b, kinds, no, [&](const Value& key) { body(b, key, yes, no); });
  b.startBlock(yes);
  b.CreateRet(b.u32(1));
  b.startBlock(no);
  b.CreateRet(b.u32(0));
  return function;
}

llvm::Function* makeAddressFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                    const Globals& globals, const std::string& name, Span place,
                                    const AddressFunctionBody& body) {
  llvm::Function* function = declare(module, name);
  Builder b(program, module, *function, globals);
  start(b, debug, place);
  auto *yes = b.block("yes"), *no = b.block("no");
  EitherAddress key;
  key.v6 = b.opaque(b.CreateAnd(b.CreateZExt(function->getArg(0), b.getInt64Ty()), 1));
  constexpr uint64_t kForm4 = abi::keyForm(abi::Family::v4, 32), kForm6 = abi::keyForm(abi::Family::v6, 128);
  key.form = b.CreateAdd(b.u64(kForm4), b.CreateMul(key.v6, b.u64(kForm6 - kForm4)));
  key.first = function->getArg(1);
  key.second = function->getArg(2);
  key.front = b.CreateShl(key.first, b.CreateSub(b.u64(32), b.CreateShl(key.v6, 5)));
  body(b, key, yes, no);
  b.startBlock(yes);
  b.CreateRet(b.u32(1));
  b.startBlock(no);
  b.CreateRet(b.u32(0));
  return function;
}

llvm::Function* makeNumberFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, const std::string& name, Span place, const ValueKinds& kinds,
                                   const NumberFunctionBody& body) {
  llvm::Function* function = declare(module, name);
  function->setDoesNotAccessMemory();
  function->setWillReturn();
  Builder b(program, module, *function, globals);
  start(b, debug, place);
  auto* none = b.block("none");
  lowerKinds(b, kinds, none, [&](const Value& key) { b.CreateRet(body(b, key)); });
  b.startBlock(none);
  b.CreateRet(b.u32(0));
  return function;
}

llvm::Value* callNumberFunction(Builder& b, llvm::Function* function, const Value& key) {
  return call(b, function, key, b.u64(0));
}

void callKeyFunction(Builder& b, llvm::Function* function, const Value& key, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no) {
  llvm::Value* answer = call(b, function, key, b.length);
  b.CreateCondBr(b.CreateICmpNE(answer, b.u32(0)), yes, no);
}

void callAddressFunction(Builder& b, llvm::Function* function, const Value& key, llvm::BasicBlock* yes,
                         llvm::BasicBlock* no) {
  const bool v4 = key.kind == Value::Kind::v4;
  llvm::Value* low = b.CreateZExt(key.low, b.getInt64Ty());
  llvm::Value* answer = b.CreateCall(function, {b.u32(v4 ? 0 : 1), v4 ? low : key.high, v4 ? b.u64(0) : low, b.length});
  b.CreateCondBr(b.CreateICmpNE(answer, b.u32(0)), yes, no);
}

ValueKinds kindsOf(abi::KeyKind kind) {
  switch (kind) {
  case abi::KeyKind::Ip:
  case abi::KeyKind::IpPrefix:
    return {Value::Kind::v4, Value::Kind::v6};
  case abi::KeyKind::Ipv4:
  case abi::KeyKind::Ipv4Prefix:
    return {Value::Kind::v4};
  case abi::KeyKind::Ipv6:
  case abi::KeyKind::Ipv6Prefix:
    return {Value::Kind::v6};
  default:
    return {Value::Kind::number};
  }
}

} // namespace xdpc::lower
