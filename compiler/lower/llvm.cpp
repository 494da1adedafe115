// Runs LLVM's static constructors late. Entry point: startLlvm. The release's linker script,
// cmake/llvm_constructors.ld, gathers their addresses; what is linked without it (unit tests, a shared LLVM) has run
// them already.
#include "compiler/lower/llvm.h"

extern "C" {
using Constructor = void (*)(int, char**, char**);
// Weak: absent where there is no linker script.
[[gnu::weak]] extern const Constructor xdpc_llvm_constructors[];
[[gnu::weak]] extern const Constructor xdpc_llvm_constructors_end[];
}

namespace xdpc::lower {

void startLlvm() {
  static const bool started = [] {
    for (const Constructor* next = xdpc_llvm_constructors; next != xdpc_llvm_constructors_end; ++next)
      (*next)(0, nullptr, nullptr);
    return true;
  }();
  (void)started;
}

} // namespace xdpc::lower
