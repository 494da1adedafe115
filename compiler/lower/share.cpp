// Shares are chosen by counts of instructions before optimization.
#include "compiler/lower/share.h"
#include "compiler/lower/parameter.h"
#include "compiler/lower/part.h"

#include <algorithm>
#include <vector>

namespace xdpc::lower {
namespace {

// Below, another thread takes longer to start than the back end needs. Of LLVM's instructions.
constexpr size_t kWorthSharing = 600;

// Those with C inlined into them, which stays where its functions are, are not told apart: then nothing is shared.
bool isApart(const llvm::Function& function) {
  return !function.isDeclaration() && (isCalled(function) || isPart(function));
}

struct Part {
  llvm::Function* function = nullptr;
  size_t size = 0;
};

// Largest first, each to the share that has the least so far.
std::vector<std::vector<llvm::Function*>> shareOut(llvm::Module& module, unsigned count) {
  std::vector<Part> parts;
  std::vector<size_t> sizes(count, 0);
  bool c = false;
  size_t whole = 0;
  for (llvm::Function& function : module) {
    const size_t size = function.getInstructionCount();
    whole += size;
    c |= function.hasInternalLinkage();
    if (isApart(function))
      parts.push_back({&function, size});
    else
      sizes[0] += size;
  }
  std::vector<std::vector<llvm::Function*>> shares(count);
  if (c || whole < kWorthSharing)
    count = 1;
  std::ranges::stable_sort(parts, std::ranges::greater(), &Part::size);
  for (const Part& part : parts) {
    const auto least = std::min_element(sizes.begin(), sizes.begin() + count) - sizes.begin();
    sizes[least] += part.size;
    shares[least].push_back(part.function);
  }
  return shares;
}

void declareData(llvm::Module& module) {
  for (llvm::GlobalVariable& global : llvm::make_early_inc_range(module.globals())) {
    if (global.use_empty()) {
      global.eraseFromParent();
      continue;
    }
    global.setInitializer(nullptr);
    global.setSection("");
    global.clearMetadata();
  }
}

} // namespace

void keepShare(llvm::Module& module, const Share& share) {
  if (share.count == 1)
    return;
  const auto shares = shareOut(module, share.count);
  for (unsigned other = 0; other < share.count; ++other)
    for (llvm::Function* function : other == share.index ? std::vector<llvm::Function*>() : shares[other])
      function->deleteBody();
  if (share.index == 0)
    return;
  for (llvm::Function& function : llvm::make_early_inc_range(module))
    if (!function.isDeclaration() && std::ranges::find(shares[share.index], &function) == shares[share.index].end())
      function.eraseFromParent();
  declareData(module);
}

} // namespace xdpc::lower
