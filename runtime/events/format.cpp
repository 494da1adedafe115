// Events as a line for people and as JSON for programs. Tested by tests/unit/state/events_test.cpp.
#include "runtime/abi/verdict.h"
#include "runtime/events/events.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace xdpc::events {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kSchema = 1;

std::string text(const Field& field) {
  return field.value ? abi::formatKey({{field.kind}}, {*field.value}) : "-";
}

// Numbers and truth values as themselves, addresses as text.
Json json(const Field& field) {
  if (!field.value)
    return nullptr;
  const auto* number = std::get_if<uint64_t>(&*field.value);
  if (!number)
    return text(field);
  return field.kind == abi::KeyKind::Bool ? Json(*number != 0) : Json(*number);
}

} // namespace

std::string formatLine(const Event& event) {
  std::string line = fmt::format("{}.{:09} {} by {}", event.time_ns / 1'000'000'000, event.time_ns % 1'000'000'000,
                                 event.name, event.rule);
  if (event.verdict)
    line += fmt::format(" {}", abi::verdictName(*event.verdict));
  for (size_t i = 0; i < event.fields.size(); ++i)
    line += fmt::format("{} {}={}", i ? "" : ":", event.fields[i].name, text(event.fields[i]));
  return line;
}

std::string formatJson(const Event& event) {
  Json fields = Json::object();
  for (const Field& field : event.fields)
    fields[field.name] = json(field);
  Json object;
  object["schema"] = kSchema;
  object["time_ns"] = event.time_ns;
  object["event"] = event.name;
  object["rule"] = event.rule;
  object["verdict"] = event.verdict ? Json(abi::verdictName(*event.verdict)) : Json(nullptr);
  object["fields"] = std::move(fields);
  return object.dump();
}

} // namespace xdpc::events
