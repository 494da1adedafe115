// Events as a line for people and as JSON for programs. Tested by tests/unit/state/events_test.cpp, timed by
// tests/bench/events.py.
#include "runtime/abi/verdict.h"
#include "runtime/events/events.h"
#include "runtime/events/record.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace xdpc::events {
namespace {

constexpr unsigned kSchema = 1;
constexpr uint64_t kSecond = 1'000'000'000;

std::string jsonString(std::string_view text) {
  using Json = nlohmann::json;
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void appendNumber(std::string& to, uint64_t number) {
  const fmt::format_int digits(number);
  to.append(digits.data(), digits.size());
}

// "12.000000345".
void appendSeconds(std::string& to, uint64_t time_ns) {
  appendNumber(to, time_ns / kSecond);
  const fmt::format_int fraction(kSecond + time_ns % kSecond); // ten digits, of which the first is a one
  to += '.';
  to.append(fraction.data() + 1, fraction.size() - 1);
}

std::string ruleText(Form form, const std::string& rule) {
  return form == Form::line ? rule : jsonString(rule);
}

} // namespace

Formatter::Formatter(const abi::Manifest& manifest, Form form) : form_(form), events_(manifest.events) {
  const bool json = form == Form::json;
  for (const abi::Event& event : events_) {
    EventText& text = texts_.emplace_back();
    text.name =
        json ? fmt::format(R"(,"event":{},"rule":)", jsonString(event.name)) : fmt::format(" {} by ", event.name);
    for (size_t i = 0; i < event.fields.size(); ++i) {
      const std::string& name = event.fields[i].name;
      text.fields.push_back(json ? fmt::format("{}{}:", i ? "," : "", jsonString(name))
                                 : fmt::format("{} {}=", i ? "" : ":", name));
    }
  }
  for (uint32_t slot = 0; slot < manifest.slots.size(); ++slot)
    rules_.push_back(ruleText(form, ruleName(manifest, slot)));
  for (unsigned verdict = 0; verdict <= abi::kRedirect; ++verdict) {
    const auto name = abi::verdictName(static_cast<abi::Verdict>(verdict));
    verdicts_.push_back(json ? fmt::format(R"(,"verdict":"{}","fields":{{)", name) : fmt::format(" {}", name));
  }
  verdicts_.push_back(json ? R"(,"verdict":null,"fields":{)" : "");
}

// Numbers and truth values as themselves, addresses in JSON as strings.
void Formatter::appendField(std::string& to, const abi::EventField& field, std::span<const uint8_t> record) const {
  const abi::KeyPart value = fieldValue(field, record);
  const bool string = form_ == Form::json && !std::holds_alternative<uint64_t>(value);
  if (string)
    to += '"';
  abi::appendKeyPart(to, field.kind, value);
  if (string)
    to += '"';
}

Result<Done, EventError> Formatter::append(std::string& to, std::span<const uint8_t> record) const {
  const auto header = readHeader(events_, record);
  if (!header)
    return header.error();
  const bool json = form_ == Form::json;
  const EventText& text = texts_[header->event];
  if (json) {
    to += R"({"schema":)";
    appendNumber(to, kSchema);
    to += R"(,"time_ns":)";
    appendNumber(to, header->time_ns);
  } else {
    appendSeconds(to, header->time_ns);
  }
  to += text.name;
  to += header->slot < rules_.size() ? rules_[header->slot] : ruleText(form_, fmt::format("slot {}", header->slot));
  to += verdicts_[std::min<size_t>(header->verdict, verdicts_.size() - 1)];
  for (size_t i = 0; i < text.fields.size(); ++i) {
    to += text.fields[i];
    if (header->nulls >> i & 1)
      to += json ? "null" : "-";
    else
      appendField(to, events_[header->event].fields[i], record);
  }
  to += json ? "}}\n" : "\n";
  return Done{};
}

} // namespace xdpc::events
