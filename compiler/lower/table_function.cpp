// Keys of up to two words go in registers, others through the caller's stack.
#include "compiler/lower/table_function.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kInRegisters = 2;

bool inRegisters(size_t words) {
  return words <= kInRegisters;
}

} // namespace

llvm::Function* makeTableFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                  const Globals& globals, const std::string& name, Span place, const abi::KeyType& type,
                                  const TableFunctionBody& body) {
  auto& context = module.getContext();
  auto *u32 = llvm::Type::getInt32Ty(context), *u64 = llvm::Type::getInt64Ty(context);
  const unsigned words = abi::tableLayout(type, 1).key_words;
  llvm::SmallVector<llvm::Type*> arguments(inRegisters(words) ? words + 2 : 2, u64);
  if (!inRegisters(words))
    arguments.insert(arguments.begin(), llvm::PointerType::get(context, 0));
  // Weak, as in key_function.cpp.
  auto* function = llvm::Function::Create(llvm::FunctionType::get(u32, arguments, false),
                                          llvm::Function::WeakAnyLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  Builder b(program, module, *function, globals);
  if (inRegisters(words))
    debug.enterFunction(*function, llvm::SmallVector<unsigned>(words + 2, 64));
  else
    debug.enterPointerFunction(*function, 8 * words, 2);
  b.startBlock(b.block("entry"));
  debug.setPlace(b, place);
  auto *yes = b.block("yes"), *no = b.block("no");
  KeyWords key;
  llvm::Value* extra = function->getArg(1);
  if (inRegisters(words)) {
    key.form = function->getArg(0);
    for (unsigned i = 0; i < words; ++i)
      key.words.push_back(function->getArg(2 + i));
  } else {
    auto* there = b.block("key");
    b.CreateCondBr(b.CreateIsNull(function->getArg(0)), no, there);
    b.startBlock(there);
    key.form = function->getArg(2);
    for (unsigned i = 0; i < words; ++i)
      key.words.push_back(b.loadAt(function->getArg(0), 8 * i, 8));
  }
  body(b, key, extra, yes, no);
  b.startBlock(yes);
  b.CreateRet(b.u32(1));
  b.startBlock(no);
  b.CreateRet(b.u32(0));
  return function;
}

void callTableFunction(Builder& b, llvm::Function* function, const KeyWords& key, llvm::Value* extra,
                       llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  llvm::SmallVector<llvm::Value*> arguments;
  if (inRegisters(key.words.size())) {
    arguments = {key.form, extra};
    arguments.append(key.words.begin(), key.words.end());
  } else {
    llvm::Value* words = b.scratch(static_cast<unsigned>(8 * key.words.size()));
    for (unsigned i = 0; i < key.words.size(); ++i)
      b.storeAt(words, 8 * i, key.words[i]);
    arguments = {words, extra, key.form};
  }
  b.CreateCondBr(b.CreateICmpNE(b.CreateCall(function, arguments), b.u32(0)), yes, no);
}

} // namespace xdpc::lower
