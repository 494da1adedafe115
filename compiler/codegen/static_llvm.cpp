// For static linking alone. The BPF target says what passes it has to a PassBuilder, which we have none of (see
// optimize.cpp), and names one function of it. That would pull in the archive's member with all passes of LLVM. So this
// stands in for it, and is never called.
#include <llvm/Passes/PassBuilder.h>

llvm::Expected<bool> llvm::PassBuilder::parseSinglePassOption(StringRef, StringRef, StringRef) {
  return false;
}
