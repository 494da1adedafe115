// Records of the ring buffer `events` as values, and as text and JSON.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <span>
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

// "12.000000345 flood by syn_flood drop: ip.src=198.51.100.7 tcp.dport=-", without a line end.
std::string formatLine(const Event& event);
// {"schema":1,"time_ns":…,"event":"flood","rule":"syn_flood","verdict":"drop","fields":{…}}; null for what is absent.
std::string formatJson(const Event& event);

// Programs write events while the coarse CLOCK_MONOTONIC is below `until_ns`; ~0 is for ever, 0 stops them.
Result<Done, engine::MapError> setLease(engine::Maps& maps, const abi::Manifest& manifest, uint64_t until_ns);

} // namespace xdpc::events
