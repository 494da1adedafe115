// Lowers a plan to LLVM IR. Entry point: lower. The module is opaque so that only lower/ and codegen/ see LLVM's
// headers.
#pragma once

#include "compiler/lower/prepared.h"
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

// How the rules know which headers a packet has: from the leaf of the parser that they are lowered in, or from notes
// that the parser takes (notes.h).
enum class Presence : uint8_t { leaves, notes };

// Of the program's functions; the first has the program itself and the data.
struct Share {
  unsigned index = 0, count = 1;
};

// Whether IPv6 packets may have a function of their own (part.h).
enum class Ipv6 : uint8_t { apart, together };

// By leaves wherever they do not outgrow what BPF's jumps can cross. Functions that are among `prepared` are left to
// it. May be called from several threads at once.
Module lower(const plan::Program& program, Presence presence = Presence::leaves, const Share& share = {},
             PreparedFunctions prepared = {}, Ipv6 ipv6 = Ipv6::apart);
std::string toText(const Module& module); // --emit=llvm

} // namespace xdpc::lower
