// Events as a line for people and as JSON for programs. Tested by tests/unit/state/events_test.cpp.
#include "runtime/abi/verdict.h"
#include "runtime/events/events.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::events {
namespace {

using Json = nlohmann::json;

constexpr unsigned kSchema = 1;

std::string text(const Field& field) {
  return field.value ? abi::formatKey({{field.kind}}, {*field.value}) : "-";
}

// As JSON's strings are written. Names are nearly always plain, and a library's value for each costs most of an event.
void quote(std::string& to, std::string_view text) {
  const bool plain =
      std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain)
    fmt::format_to(std::back_inserter(to), "\"{}\"", text);
  else
    to += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Numbers and truth values as themselves, addresses as text.
void appendValue(std::string& to, const Field& field) {
  if (!field.value)
    to += "null";
  else if (const auto* number = std::get_if<uint64_t>(&*field.value); !number)
    quote(to, text(field));
  else if (field.kind == abi::KeyKind::Bool)
    to += *number != 0 ? "true" : "false";
  else
    fmt::format_to(std::back_inserter(to), "{}", *number);
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
  std::string text = fmt::format(R"({{"schema":{},"time_ns":{},"event":)", kSchema, event.time_ns);
  quote(text, event.name);
  text += R"(,"rule":)";
  quote(text, event.rule);
  text += R"(,"verdict":)";
  if (event.verdict)
    quote(text, abi::verdictName(*event.verdict));
  else
    text += "null";
  text += R"(,"fields":{)";
  for (size_t i = 0; i < event.fields.size(); ++i) {
    text += i ? "," : "";
    quote(text, event.fields[i].name);
    text += ':';
    appendValue(text, event.fields[i]);
  }
  return text + "}}";
}

} // namespace xdpc::events
