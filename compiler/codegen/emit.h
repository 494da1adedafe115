// One module through the optimizer and the back end. For codegen/ alone.
#pragma once

#include "compiler/codegen/codegen.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/Support/ErrorHandling.h>

#include <optional>

namespace xdpc::codegen {

enum class Emitted : uint8_t { share, assembly }; // share: an object for join

struct TooLarge {}; // thrown: a jump does not reach its target

// While one lives, the back end throws TooLarge, which `emit` answers with nothing; from one thread, for all.
class Refusals {
public:
  Refusals();

private:
  llvm::ScopedFatalErrorHandler handler_;
};

// Changes the module. Nothing where the program is too large.
std::optional<llvm::SmallString<0>> emit(const lower::Module& module, const Options& options, Emitted what);

} // namespace xdpc::codegen
