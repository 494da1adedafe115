// A MAC address as a number of 48 bits, first byte highest, as the compiler has it.
#pragma once

#include "runtime/abi/address.h"

namespace xdpc::abi {

constexpr uint64_t numberOf(const Mac& mac) {
  uint64_t number = 0;
  for (uint8_t byte : mac.bytes)
    number = number << 8 | byte;
  return number;
}

constexpr Mac macOf(uint64_t number) {
  Mac mac;
  for (unsigned i = 0; i < 6; ++i)
    mac.bytes[i] = static_cast<uint8_t>(number >> (40 - 8 * i));
  return mac;
}

} // namespace xdpc::abi
