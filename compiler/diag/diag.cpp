// The table of diagnostics and the emitter. Tested by tests/unit/diag.
#include "compiler/diag/diag.h"

#include <algorithm>

namespace xdpc::diag {
namespace {

[[maybe_unused]] constexpr Severity error = Severity::error, warning = Severity::warning, note = Severity::note;

constexpr Info kInfos[] = {
#define XDPC_DIAGNOSTIC(id, name, severity, explanation) {name, severity, explanation},
#include "compiler/diag/diagnostics.def"
#undef XDPC_DIAGNOSTIC
};

std::optional<Id> warningByName(std::string_view name) {
  for (Id id : allIds())
    if (name == info(id).name && info(id).severity != Severity::error)
      return id;
  return {};
}

} // namespace

const Info& info(Id id) {
  return kInfos[static_cast<size_t>(id)];
}

std::vector<Id> allIds() {
  std::vector<Id> ids;
  for (size_t i = 0; i < std::size(kInfos); ++i)
    ids.push_back(static_cast<Id>(i));
  return ids;
}

Diagnostic& Emitter::report(Id id, Span span, std::string message) {
  const auto in = [id](const std::vector<Id>& ids) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
  Severity severity = info(id).severity;
  Diagnostic made{id, severity, span, std::move(message), {}, {}, {}, {}};
  if (severity != Severity::error && in(disabled_))
    return discarded_.emplace(std::move(made));
  if (severity == Severity::warning && (warnings_are_errors_ || in(made_errors_)))
    made.severity = Severity::error;
  errors_ += made.severity == Severity::error;
  return diagnostics_.emplace_back(std::move(made));
}

Emitter Emitter::alike() const {
  Emitter other;
  other.disabled_ = disabled_;
  other.made_errors_ = made_errors_;
  other.warnings_are_errors_ = warnings_are_errors_;
  return other;
}

void Emitter::take(Emitter other) {
  std::move(other.diagnostics_.begin(), other.diagnostics_.end(), std::back_inserter(diagnostics_));
  errors_ += other.errors_;
}

bool Emitter::disableWarning(std::string_view name) {
  const auto id = warningByName(name);
  if (id)
    disabled_.push_back(*id);
  return id.has_value();
}

bool Emitter::makeError(std::string_view name) {
  const auto id = warningByName(name);
  if (id)
    made_errors_.push_back(*id);
  return id.has_value();
}

} // namespace xdpc::diag
