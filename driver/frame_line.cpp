// See frame_line.h.
#include "driver/frame_line.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace xdpc::driver {

namespace {

using Bytes = std::span<const uint8_t>;

uint16_t be16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::string address(int family, Bytes bytes, size_t at) {
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family, bytes.data() + at, text, sizeof text);
  return text;
}

std::string tcpFlags(uint8_t flags) {
  static constexpr std::pair<uint8_t, char> kFlags[] = {{2, 'S'}, {1, 'F'}, {4, 'R'}, {8, 'P'}, {32, 'U'}, {16, '.'}};
  std::string text;
  for (const auto& [bit, letter] : kFlags)
    if (flags & bit)
      text += letter;
  return text.empty() ? "none" : text;
}

std::string protocolName(uint8_t protocol) {
  switch (protocol) {
  case 1:
    return "icmp";
  case 6:
    return "tcp";
  case 17:
    return "udp";
  case 58:
    return "icmp6";
  case 132:
    return "sctp";
  default:
    return fmt::format("proto {}", protocol);
  }
}

std::string transport(uint8_t protocol, Bytes bytes, const std::string& from, const std::string& to) {
  const bool ports = (protocol == 6 || protocol == 17 || protocol == 132) && bytes.size() >= 4;
  if (!ports)
    return fmt::format("{} > {} {}", from, to, protocolName(protocol));
  const std::string flags = protocol == 6 && bytes.size() >= 14 ? " " + tcpFlags(bytes[13]) : "";
  return fmt::format("{}.{} > {}.{} {}{}", from, be16(bytes, 0), to, be16(bytes, 2), protocolName(protocol), flags);
}

std::string ipv4(Bytes bytes) {
  const size_t header = bytes.size() < 20 ? 0 : size_t{bytes[0] & 15u} * 4;
  if (header < 20)
    return "ipv4, cut short";
  const bool later = (be16(bytes, 6) & 0x1fff) != 0;
  const Bytes rest = later || header > bytes.size() ? Bytes() : bytes.subspan(header);
  return transport(bytes[9], rest, address(AF_INET, bytes, 12), address(AF_INET, bytes, 16)) +
         (later ? ", later fragment" : "");
}

std::string ipv6(Bytes bytes) {
  if (bytes.size() < 40)
    return "ipv6, cut short";
  uint8_t next = bytes[6];
  Bytes rest = bytes.subspan(40);
  // Hop-by-hop, routing and destination options: the next header, then the length in units of eight beyond the first.
  while ((next == 0 || next == 43 || next == 60) && rest.size() >= 8) {
    next = rest[0];
    rest = rest.subspan(std::min(rest.size(), size_t{8} * (rest[1] + 1u)));
  }
  return transport(next, rest, address(AF_INET6, bytes, 8), address(AF_INET6, bytes, 24));
}

} // namespace

std::string frameLine(Bytes frame) {
  std::string tags;
  size_t at = 12;
  while (at + 4 <= frame.size() && (be16(frame, at) == 0x8100 || be16(frame, at) == 0x88a8)) {
    tags += fmt::format("vlan {} ", be16(frame, at + 2) & 0xfff);
    at += 4;
  }
  if (at + 2 > frame.size())
    return tags + "cut short";
  const Bytes rest = frame.subspan(at + 2);
  switch (const uint16_t type = be16(frame, at)) {
  case 0x0800:
    return tags + ipv4(rest);
  case 0x86dd:
    return tags + ipv6(rest);
  case 0x0806:
    return tags + "arp";
  default:
    return tags + fmt::format("eth {:#06x}", type);
  }
}

} // namespace xdpc::driver
