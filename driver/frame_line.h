// A captured frame as a line for people: addresses, ports and flags, as far as they are there. No more than a glance:
// for all else there is Wireshark. Tested by tests/live/capture.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace xdpc::driver {

// "198.51.100.7.40000 > 192.0.2.1.80 tcp S", "arp", "eth 0x88cc".
std::string frameLine(std::span<const uint8_t> frame);

} // namespace xdpc::driver
