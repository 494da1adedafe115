// Records of the ring buffer `events` as values, and as text and JSON.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <span>
#include <string>
#include <vector>

namespace xdpc::events {

struct Field {
  std::string name;
  abi::KeyKind kind = abi::KeyKind::U32;
  std::optional<abi::KeyPart> value; // nothing: the packet lacks the field's header
};

struct Event {
  uint64_t time_ns = 0; // CLOCK_MONOTONIC
  std::string name;
  std::string rule;
  std::optional<abi::Verdict> verdict; // of the block that the statement stands in
  std::vector<Field> fields;
};

struct EventError {
  std::string message;
};

// `record` is what the program wrote: EventHeader and fields.
Result<Event, EventError> decode(const abi::Manifest& manifest, std::span<const uint8_t> record);

enum class Form {
  line, // 12.000000345 flood by syn_flood drop: ip.src=198.51.100.7 tcp.dport=-
  json, // {"schema":1,"time_ns":…,"event":"flood","rule":"syn_flood","verdict":"drop","fields":{…}}; null: absent
};

// Records of one policy as text, without a value for each: what is the same in all of an event is put together once.
class Formatter {
public:
  Formatter(const abi::Manifest& manifest, Form form);
  // Puts the record and a line end behind what is there. After an error nothing has changed.
  Result<Done, EventError> append(std::string& to, std::span<const uint8_t> record) const;

private:
  void appendField(std::string& to, const abi::EventField& field, std::span<const uint8_t> record) const;

  struct EventText {
    std::string name;                // what stands between the time and the rule
    std::vector<std::string> fields; // what stands before each value
  };
  Form form_;
  std::vector<abi::Event> events_;
  std::vector<EventText> texts_;      // an event each
  std::vector<std::string> rules_;    // by slot
  std::vector<std::string> verdicts_; // by number, at the end without one
};

// Programs write events while the coarse CLOCK_MONOTONIC is below `until_ns`; ~0 is for ever, 0 stops them.
Result<Done, engine::MapError> setLease(engine::Maps& maps, const abi::Manifest& manifest, uint64_t until_ns);

} // namespace xdpc::events
