// Looks at optimized code, where what is never run is gone.
#include "compiler/extern_c/clang/refused.h"

#include <clang/Basic/FileManager.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

namespace xdpc::clang_plugin {

void Places::error(const llvm::DebugLoc& place, const std::string& message, const std::string& help) const {
  if (!place)
    return error("", 0, 0, message, help);
  error(place->getFilename(), place.getLine(), place.getCol(), message, help);
}

void Places::error(llvm::StringRef path, unsigned line, unsigned column, const std::string& message,
                   const std::string& help) const {
  clang::SourceLocation where = manager_.getLocForStartOfFile(manager_.getMainFileID());
  if (const auto file = manager_.getFileManager().getOptionalFileRef(path); file && line > 0)
    where = manager_.translateFileLineCol(*file, line, std::max(column, 1u));
  reporter_.error(&manager_, where, message, help);
}

namespace {

constexpr const char* kNoCalls =
    "a C function calls nothing but functions that its file defines: there is nothing to link";
constexpr const char* kNoState = "keep state in sets, meters and counters of the policy, and make tables const";

void reportCall(const llvm::CallBase& call, const Places& places) {
  const llvm::Function* callee = call.getCalledFunction();
  if (const auto* assembly = llvm::dyn_cast<llvm::InlineAsm>(call.getCalledOperand())) {
    if (!assembly->getAsmString().empty()) // barriers are empty
      places.error(call.getDebugLoc(), "assembly", "write it in C");
    return;
  }
  if (callee && callee->isIntrinsic())
    return;
  if (!callee)
    return places.error(call.getDebugLoc(), "a call through a pointer", kNoCalls);
  const std::string name = callee->getName().str();
  if (callee->isDeclaration())
    return places.error(call.getDebugLoc(), "`" + name + "` is defined nowhere", kNoCalls);
  places.error(call.getDebugLoc(), "`" + name + "` calls itself", "write a loop with a bound");
}

llvm::DebugLoc firstUse(const llvm::Value& value) {
  for (const llvm::User* user : value.users()) {
    if (const auto* instruction = llvm::dyn_cast<llvm::Instruction>(user)) {
      if (instruction->getDebugLoc())
        return instruction->getDebugLoc();
    } else if (llvm::isa<llvm::Constant>(user)) {
      if (const llvm::DebugLoc place = firstUse(*user))
        return place;
    }
  }
  return {};
}

} // namespace

void reportRefused(const llvm::Module& module, const Places& places) {
  if (!module.getModuleInlineAsm().empty() || !module.alias_empty() || !module.ifunc_empty())
    places.error("", 0, 0, "the file has assembly or aliases at its top level", kNoCalls);
  for (const llvm::Function& function : module)
    for (const llvm::Instruction& instruction : llvm::instructions(function))
      if (const auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        reportCall(*call, places);
  for (const llvm::GlobalVariable& global : module.globals()) {
    if (global.use_empty())
      continue;
    const std::string name = global.getName().str();
    if (global.isDeclaration())
      places.error(firstUse(global), "`" + name + "` is defined nowhere", kNoCalls);
    else if (!global.isConstant())
      places.error(firstUse(global), "`" + name + "` is written to, and a C function keeps no state", kNoState);
  }
}

namespace {

void report(const llvm::DiagnosticInfo* info, void* user) {
  if (info->getSeverity() != llvm::DS_Error)
    return;
  const auto& places = *static_cast<const Places*>(user);
  std::string message;
  llvm::StringRef path;
  unsigned line = 0, column = 0;
  if (const auto* unsupported = llvm::dyn_cast<llvm::DiagnosticInfoUnsupported>(info)) {
    message = unsupported->getMessage().str();
    if (unsupported->isLocationAvailable())
      unsupported->getLocation(path, line, column);
  } else {
    llvm::raw_string_ostream stream(message);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info->print(printer);
  }
  while (!message.empty() && (message.back() == '\n' || message.back() == '.'))
    message.pop_back();
  places.error(path, line, column, "BPF does not have this: " + message, "");
}

// Into a function that reads the arguments from memory, as BPF passes no more than five.
void inlineIntoCaller(llvm::Function& function) {
  llvm::Module& module = *function.getParent();
  auto* pointer = llvm::PointerType::get(module.getContext(), 0);
  auto* type = llvm::FunctionType::get(function.getReturnType(), {pointer}, false);
  auto* caller = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "caller." + function.getName(), module);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(module.getContext(), "", caller));
  std::vector<llvm::Value*> arguments;
  for (const llvm::Argument& argument : function.args())
    arguments.push_back(
        b.CreateLoad(argument.getType(), b.CreateConstGEP1_64(pointer, caller->getArg(0), arguments.size())));
  llvm::CallInst* call = b.CreateCall(&function, arguments);
  b.CreateRet(call);
  llvm::InlineFunctionInfo how;
  if (llvm::InlineFunction(*call, how).isSuccess())
    function.eraseFromParent();
}

// What the back end dies of: LLVM is built without exceptions and does not clean up on its way out.
struct Died {
  std::string reason;
};

void die(void*, const char* reason, bool) {
  throw Died{reason};
}

} // namespace

void tryBackEnd(const llvm::Module& module, llvm::TargetMachine& target, const Places& places) {
  auto copy = llvm::CloneModule(module);
  std::vector<llvm::Function*> functions;
  for (llvm::Function& function : *copy)
    if (!function.isDeclaration())
      functions.push_back(&function);
  for (llvm::Function* function : functions)
    inlineIntoCaller(*function);
  copy->getContext().setDiagnosticHandlerCallBack(report, const_cast<Places*>(&places));
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  auto passes = std::make_unique<llvm::legacy::PassManager>();
  if (target.addPassesToEmitFile(*passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return;
  const llvm::ScopedFatalErrorHandler handler(die);
  try {
    passes->run(*copy);
  } catch (const Died& died) {
    static_cast<void>(passes.release());
    static_cast<void>(copy.release());
    places.error("", 0, 0, "BPF does not have this: " + died.reason, "");
  }
}

} // namespace xdpc::clang_plugin
