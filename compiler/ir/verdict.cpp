// See verdict.h.
#include "compiler/ir/verdict.h"

namespace xdpc::ir {
namespace {

struct Row {
  Verdict verdict;
  abi::Verdict action;
};
constexpr Row kActions[] = {
    {Verdict::Pass, abi::kPass}, {Verdict::Drop, abi::kDrop},         {Verdict::Abort, abi::kAborted},
    {Verdict::Tx, abi::kTx},     {Verdict::Redirect, abi::kRedirect},
};

} // namespace

abi::Verdict actionOf(Verdict verdict) {
  for (const Row& row : kActions)
    if (row.verdict == verdict)
      return row.action;
  return abi::kAborted;
}

const char* verdictName(Verdict verdict) {
  return abi::verdictName(actionOf(verdict));
}

std::optional<Verdict> verdictByName(std::string_view name) {
  for (const Row& row : kActions)
    if (name == abi::verdictName(row.action))
      return row.verdict;
  return {};
}

} // namespace xdpc::ir
