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

Module lower(const plan::Program& program);
std::string toText(const Module& module); // --emit=llvm

} // namespace xdpc::lower
