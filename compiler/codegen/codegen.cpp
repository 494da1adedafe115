// Shares the work out, and joins what comes of it.
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/emit.h"
#include "compiler/codegen/join.h"
#include "compiler/codegen/stack.h"
#include "compiler/lower/llvm.h"
#include "compiler/lower/module.h"

#include <llvm/Support/CommandLine.h>
#include <llvm/Support/ErrorHandling.h>

extern "C" {
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
}

#include <algorithm>
#include <array>
#include <optional>
#include <thread>

namespace xdpc::codegen {
namespace {

// More would lower the policy more often, each share for itself, than there are large functions in most.
constexpr unsigned kShares = 2;

// A share of a program that has no functions for it.
bool isEmpty(const lower::Module& module) {
  return std::ranges::all_of(*module.impl().module, [](const llvm::Function& f) { return f.isDeclaration(); });
}

// Empty where the program is too large.
std::vector<uint8_t> emitJoined(const plan::Program& program, lower::Presence presence, const Options& options,
                                lower::Ipv6 ipv6) {
  std::array<std::optional<llvm::SmallString<0>>, kShares> objects;
  std::array<std::vector<lower::Substitute>, kShares> substitutes;
  const auto work = [&](unsigned share) {
    const lower::Module module = lower::lower(program, presence, {share, kShares}, options.prepared, ipv6);
    substitutes[share] = module.impl().substitutes;
    objects[share] = isEmpty(module) ? llvm::SmallString<0>() : emit(module, options, Emitted::share);
  };
  std::vector<std::jthread> others;
  for (unsigned share = 1; share < kShares; ++share)
    others.emplace_back([&work, &options, share] {
      if (options.thread_starts)
        options.thread_starts();
      work(share);
    });
  work(0);
  others.clear();
  std::vector<llvm::SmallString<0>> made;
  for (auto& object : objects) {
    if (!object)
      return {};
    if (!object->empty())
      made.push_back(std::move(*object));
  }
  try {
    return join(made, substitutes[0]); // which all shares have
  } catch (const TooLarge&) {
    return emitJoined(program, presence, options, lower::Ipv6::together);
  }
}

} // namespace

void start() {
  static const bool started = [] {
    lower::startLlvm();
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFTarget();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFAsmPrinter();
    // Kernels before 6.4 refuse a loop whose way back falls through, as block placement and merged tails lay it out.
    const char* arguments[] = {"xdpc", "-disable-block-placement", "-enable-tail-merge=false"};
    llvm::cl::ParseCommandLineOptions(std::size(arguments), arguments);
    return true;
  }();
  (void)started;
}

std::vector<uint8_t> emitObject(const plan::Program& program, lower::Presence presence, const Options& options) {
  start();
  const Refusals refusals;
  const std::vector<uint8_t> object = emitJoined(program, presence, options, lower::Ipv6::apart);
  return stackBytes(object) > kMaxStack ? std::vector<uint8_t>() : object;
}

std::string emitAssembly(lower::Module module, const Options& options) {
  start();
  const Refusals refusals;
  const auto text = emit(module, options, Emitted::assembly);
  return text ? text->str().str() : std::string();
}

} // namespace xdpc::codegen
