// What severities are called: in the text of diagnostics, in the reference and in JSON.
#pragma once

#include "compiler/diag/diag.h"

namespace xdpc::diag {

constexpr const char* severityName(Severity severity) {
  switch (severity) {
  case Severity::error:
    return "error";
  case Severity::warning:
    return "warning";
  case Severity::note:
    break;
  }
  return "note";
}

} // namespace xdpc::diag
