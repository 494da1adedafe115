// Writes the reference. Tested by tests/unit/diag/reference_test.cpp.
#include "compiler/diag/reference.h"

#include "compiler/diag/diag.h"
#include "compiler/diag/severity.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::diag {
namespace {

constexpr const char* kIntroduction = R"(# Diagnostics

Every diagnostic carries a stable name in brackets behind its message. This page is generated from
`compiler/diag/diagnostics.def`.

A warning is switched off with `-Wno-NAME`; `-Werror=NAME` makes an error of it, `-Werror` of all that are left. An error
cannot be switched off.
)";

} // namespace

std::string reference() {
  std::vector<Id> ids = allIds();
  std::sort(ids.begin(), ids.end(),
            [](Id a, Id b) { return std::string_view(info(a).name) < std::string_view(info(b).name); });
  std::string text = kIntroduction;
  for (Id id : ids)
    text += fmt::format("\n## {}\n\n*{}* {}\n", info(id).name, severityName(info(id).severity), info(id).explanation);
  return text;
}

} // namespace xdpc::diag
