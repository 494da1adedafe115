// Records of the ring buffer as values. Tested by tests/unit/state/events_test.cpp.
#include "runtime/events/events.h"
#include "runtime/events/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace xdpc::events {

std::string ruleName(const abi::Manifest& manifest, uint32_t slot) {
  const auto& rules = manifest.rules;
  if (slot < rules.size() && rules[slot].slot == slot) // as compilers number them; a search takes longer than all else
    return rules[slot].name;
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const abi::Rule& rule) { return rule.slot == slot; });
  if (found != rules.end())
    return found->name;
  return slot < manifest.slots.size() ? manifest.slots[slot].name : fmt::format("slot {}", slot);
}

Result<abi::EventHeader, EventError> readHeader(std::span<const abi::Event> events, std::span<const uint8_t> record) {
  abi::EventHeader header;
  if (record.size() < sizeof header)
    return EventError{fmt::format("a record of {} bytes is shorter than its header", record.size())};
  std::memcpy(&header, record.data(), sizeof header);
  if (header.event >= events.size())
    return EventError{fmt::format("a record names event {} of {}", header.event, events.size())};
  const abi::Event& layout = events[header.event];
  if (header.size != layout.size || record.size() < layout.size)
    return EventError{fmt::format("a record of `{}` has {} of {} bytes", layout.name, record.size(), layout.size)};
  return header;
}

abi::KeyPart fieldValue(const abi::EventField& field, std::span<const uint8_t> record) {
  return abi::decodeKeyPart(field.kind, record.subspan(field.offset, abi::keyKindSize(field.kind)));
}

Result<Event, EventError> decode(const abi::Manifest& manifest, std::span<const uint8_t> record) {
  const auto read = readHeader(manifest.events, record);
  if (!read)
    return read.error();
  const abi::EventHeader& header = *read;
  const abi::Event& layout = manifest.events[header.event];
  Event event{header.time_ns, layout.name, ruleName(manifest, header.slot), std::nullopt, {}};
  if (header.verdict <= abi::kRedirect)
    event.verdict = static_cast<abi::Verdict>(header.verdict);
  for (size_t i = 0; i < layout.fields.size(); ++i) {
    const abi::EventField& field = layout.fields[i];
    Field& made = event.fields.emplace_back(Field{field.name, field.kind, std::nullopt});
    if (!(header.nulls >> i & 1))
      made.value = fieldValue(field, record);
  }
  return event;
}

Result<Done, engine::MapError> setLease(engine::Maps& maps, const abi::Manifest& manifest, uint64_t until_ns) {
  const auto control = abi::mapWithRole(manifest, abi::MapRole::control);
  if (!control)
    return Done{}; // a policy without state that user space steers emits nothing
  uint8_t bytes[sizeof until_ns];
  std::memcpy(bytes, &until_ns, sizeof bytes);
  return maps.write(*control, offsetof(abi::Control, event_lease_ns), bytes);
}

} // namespace xdpc::events
