// See verdict.h.
#include "runtime/abi/verdict.h"

namespace xdpc::abi {
namespace {

struct Row {
  Verdict verdict;
  const char* name;
};
constexpr Row kNames[] = {
    {kAborted, "abort"}, {kDrop, "drop"}, {kPass, "pass"}, {kTx, "tx"}, {kRedirect, "redirect"},
};

} // namespace

const char* verdictName(Verdict verdict) {
  for (const Row& row : kNames)
    if (row.verdict == verdict)
      return row.name;
  return "none";
}

std::optional<Verdict> verdictByName(std::string_view name) {
  for (const Row& row : kNames)
    if (row.name == name)
      return row.verdict;
  return {};
}

} // namespace xdpc::abi
