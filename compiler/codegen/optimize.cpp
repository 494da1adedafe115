// The passes and the analyses that they ask for, by name. llvm::PassBuilder would register all that LLVM has, which
// then is in the command: twice its size, and a third of the time that it takes to start.
#include "compiler/codegen/optimize.h"
#include "compiler/lower/part.h"

#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/BasicAliasAnalysis.h>
#include <llvm/Analysis/BlockFrequencyInfo.h>
#include <llvm/Analysis/BranchProbabilityInfo.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/OptimizationRemarkEmitter.h>
#include <llvm/Analysis/PostDominators.h>
#include <llvm/Analysis/ProfileSummaryInfo.h>
#include <llvm/Analysis/ScopedNoAliasAA.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/TypeBasedAliasAnalysis.h>
#include <llvm/IR/PassInstrumentation.h>
#include <llvm/IR/PassManager.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

namespace xdpc::codegen {
namespace {

// Both managers, each of which reaches the other.
struct Analyses {
  llvm::FunctionAnalysisManager functions;
  llvm::ModuleAnalysisManager modules;

  explicit Analyses(const llvm::TargetMachine& target) {
    modules.registerPass([] { return llvm::PassInstrumentationAnalysis(); });
    modules.registerPass([] { return llvm::ProfileSummaryAnalysis(); });
    modules.registerPass([&] { return llvm::FunctionAnalysisManagerModuleProxy(functions); });
    functions.registerPass([&] { return llvm::ModuleAnalysisManagerFunctionProxy(modules); });
    functions.registerPass([&] { return target.getTargetIRAnalysis(); });
    functions.registerPass([] { return aliases(); });
    add<llvm::PassInstrumentationAnalysis, llvm::AssumptionAnalysis, llvm::BasicAA, llvm::ScopedNoAliasAA,
        llvm::TypeBasedAA, llvm::BlockFrequencyAnalysis, llvm::BranchProbabilityAnalysis, llvm::DominatorTreeAnalysis,
        llvm::PostDominatorTreeAnalysis, llvm::LoopAnalysis, llvm::OptimizationRemarkEmitterAnalysis,
        llvm::TargetLibraryAnalysis>();
  }

private:
  template <class... Analysis> void add() {
    (functions.registerPass([] { return Analysis(); }), ...);
  }

  static llvm::AAManager aliases() {
    llvm::AAManager aliases;
    aliases.registerFunctionAnalysis<llvm::BasicAA>();
    aliases.registerFunctionAnalysis<llvm::ScopedNoAliasAA>();
    aliases.registerFunctionAnalysis<llvm::TypeBasedAA>();
    return aliases;
  }
};

// Instcombine where it finds something: fields that rules compare, in the program itself. Functions that look up keys
// and tables are written as they should be, and most come out shorter without it.
struct ProgramOnly : llvm::PassInfoMixin<ProgramOnly> {
  llvm::InstCombinePass combine;

  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    return function.hasSection() || lower::isPart(function) ? combine.run(function, analyses)
                                                            : llvm::PreservedAnalyses::all();
  }
};

// What lowering leaves to do: share loads, fold byte swaps and compares, join blocks. To join blocks before that, too,
// takes longer than it saves. Gvn finds nothing more, and LLVM's O2 takes three times as long over these programs and
// makes them longer, as it unrolls loops that must stay short for the verifier. One round of instcombine is enough;
// that another would find more is no error, as LLVM takes it for unless told.
llvm::ModulePassManager passes() {
  llvm::FunctionPassManager functions;
  functions.addPass(llvm::EarlyCSEPass());
  functions.addPass(ProgramOnly());
  functions.addPass(llvm::SimplifyCFGPass());
  llvm::ModulePassManager modules;
  modules.addPass(llvm::AlwaysInlinerPass()); // C functions go into those that pass them their arguments
  modules.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(functions)));
  modules.addPass(llvm::GlobalDCEPass());
  return modules;
}

// The verifier refuses a function that nobody calls: a lookup that no rule reaches, or none any more. Such functions
// are weak, which keeps globaldce from them.
void dropUncalled(llvm::Module& module) {
  for (bool dropped = true; dropped;) {
    dropped = false;
    for (llvm::Function& function : llvm::make_early_inc_range(module))
      if (!function.isDeclaration() && !function.hasSection() && function.use_empty()) {
        function.eraseFromParent();
        dropped = true;
      }
  }
}

} // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& target, Uncalled uncalled) {
  {
    Analyses analyses(target);
    passes().run(module, analyses.modules);
  } // they refer to functions that are dropped now
  if (uncalled == Uncalled::dropped)
    dropUncalled(module);
}

} // namespace xdpc::codegen
