// Verdicts, and what `on VERDICT emit …` does behind them. One object a leaf: events read the leaf's headers. Tested by
// tests/packet/rules/on_verdict.xf.
#pragma once

#include "compiler/lower/rule.h"

#include <map>

namespace xdpc::lower {

enum class Counted : uint8_t { here, before }; // whether the deciding rule counts at its verdict or has counted

class Verdicts {
public:
  Verdicts(Builder& builder, DebugInfo& debug, const Packet& packet, Exit& exit)
      : b(builder), debug_(debug), packet_(packet), exit_(exit) {}

  // Ends the block: the packet leaves with the XDP action (i32).
  void end(ir::Verdict verdict, llvm::Value* action, llvm::Value* slot, Counted counted);
  // The same for a verdict that only the running program knows, none of the observed ones.
  void endUnobserved(llvm::Value* action, llvm::Value* slot) { exit(Counted::here, action, slot, Copy::pending); }
  bool observed(ir::Verdict verdict) const; // an `on` asks for it
  // The same in two steps, for what moves the packet's start in between: no header can be read behind it, and a copy of
  // the frame is written back already.
  void emitNow(ir::Verdict verdict, llvm::Value* slot);
  void endWritten(llvm::Value* action, llvm::Value* slot, Counted counted);
  // Fills the blocks behind verdicts, once all rules of the leaf are lowered.
  void finish();

private:
  struct Way {
    llvm::BasicBlock* block = nullptr;
    llvm::PHINode *action = nullptr, *slot = nullptr;
  };
  enum class Copy : uint8_t { pending, written }; // whether the exit has to write it back
  struct Behind {
    Way here, before;
  };

  Way makeWay(const char* name);
  void emitAll(ir::Verdict verdict, llvm::Value* slot);
  void leave(const Way& to, llvm::Value* action, llvm::Value* slot);
  void exit(Counted counted, llvm::Value* action, llvm::Value* slot, Copy copy);

  Builder& b;
  DebugInfo& debug_;
  const Packet& packet_;
  Exit& exit_;
  std::map<ir::Verdict, Behind> behind_;
};

} // namespace xdpc::lower
