// Lowers a plan to LLVM IR. Entry point: lower. The module is opaque so that only lower/ and codegen/ see LLVM's
// headers.
#pragma once

#include "compiler/plan/program.h"

#include <memory>
#include <string>

namespace xdpc::lower {

class Module {
public:
  struct Impl; // module.h, for lower/ and codegen/
  explicit Module(std::unique_ptr<Impl> impl);
  Module(Module&&) noexcept;
  ~Module();
  Impl& impl() const { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

// The rules are lowered once for each set of headers that they tell apart; where these are many, or it is wished so,
// what is there is asked while the program runs, which is smaller and slower. A plan with classifiers stays apart.
enum class Leaves : uint8_t { apart, joined };

Module lower(const plan::Program& program, Leaves leaves = Leaves::apart);
std::string toText(const Module& module); // --emit=llvm

} // namespace xdpc::lower
