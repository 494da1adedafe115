// See diagnostics_json.h.
#include "driver/diagnostics_json.h"

#include "compiler/diag/severity.h"
#include "driver/output.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

Json placeJson(const Span& span) {
  if (!span.file)
    return {};
  const auto begin = span.position(), end = span.file->position(span.end);
  return {{"file", span.file->name()},
          {"line", begin.line},
          {"column", begin.column},
          {"end_line", end.line},
          {"end_column", end.column}};
}

Json toJson(const diag::Diagnostic& one) {
  Json fixits = Json::array(), notes = Json::array();
  for (const diag::FixIt& fixit : one.fixits)
    fixits.push_back({{"place", placeJson(fixit.span)}, {"replacement", fixit.replacement}});
  for (const diag::Note& note : one.notes)
    notes.push_back({{"place", placeJson(note.span)}, {"message", note.message}});
  return {{"severity", diag::severityName(one.severity)},
          {"name", diag::info(one.id).name},
          {"message", one.message},
          {"place", placeJson(one.span)},
          {"label", one.label},
          {"help", one.help},
          {"fixits", fixits},
          {"notes", notes}};
}

} // namespace

std::string diagnosticsJson(const diag::Emitter& emitter, const std::string& file) {
  std::vector<diag::Diagnostic> sorted = emitter.diagnostics();
  std::ranges::stable_sort(sorted, {}, [](const diag::Diagnostic& one) {
    return std::pair(one.span.file ? one.span.file->name() : std::string(), one.span.begin);
  });
  Json diagnostics = Json::array();
  for (const diag::Diagnostic& one : sorted)
    diagnostics.push_back(toJson(one));
  const Json out = {{"schema", kSchema}, {"file", file}, {"diagnostics", diagnostics}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; // a policy's text may be no UTF-8
}

} // namespace xdpc::driver
