// What decoding and formatting share. Private to runtime/events.
#pragma once

#include "runtime/events/events.h"

namespace xdpc::events {

std::string ruleName(const abi::Manifest& manifest, uint32_t slot);
// An error if the record is none of these events', or is cut off.
Result<abi::EventHeader, EventError> readHeader(std::span<const abi::Event> events, std::span<const uint8_t> record);
abi::KeyPart fieldValue(const abi::EventField& field, std::span<const uint8_t> record);

} // namespace xdpc::events
