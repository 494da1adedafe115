// Frames, and what they are to pcap-filter.
#include "tests/captures/frames.h"

#include "tests/differential/compiled.h"
#include "tests/oracle/packet.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace xdpc::captures {

namespace {

constexpr size_t kEthernet = 14, kMacs = 12, kShortest = 14, kLongest = 65535;
constexpr size_t kNextHeader = 6; // in IPv6

const std::vector<std::string> kOwn = {
    "arp(op = 1)",
    "arp(op = 2, sender_ip = 198.51.100.1)",
    "arp(sender_ip = 0.0.0.0, target_ip = 198.51.100.1)",
    "eth(type = 0x88cc)/payload(40)",
    "eth(type = 100)/payload(100)",
    "eth(dst = ff:ff:ff:ff:ff:ff, src = 02:00:00:00:00:01)/ipv4/udp(sport = 68, dport = 67)",
    "eth(dst = 02:00:00:00:00:02, src = 02:00:00:00:00:01)/ipv4/tcp(dport = 22, syn = 1)",
    "eth(dst = 02:00:00:00:00:01)/ipv6/tcp(dport = 22, syn = 1)",
    "ipv4/tcp(dport = 80, syn = 1)",
    "ipv6/tcp(dport = 80, syn = 1)",
    "ipv4/tcp(sport = 80, dport = 1, syn = 1, ack = 1, ack_seq = 5)",
    "ipv4/tcp(sport = 443, dport = 50000, ack = 1, psh = 1, ack_seq = 7, window = 500)/payload(100)",
    "ipv6/tcp(sport = 443, dport = 50000, rst = 1)",
    "ipv4/tcp(rst = 1, urg = 1, urgent = 3)",
    "ipv4/tcp(dport = 6667, seq = 9)",
    "ipv4/udp(sport = 53, dport = 53)/dns(qr = 1)",
    "ipv4/udp(sport = 4000, dport = 53)/dns",
    "ipv4/udp(sport = 53, dport = 6500)/payload(3)",
    "ipv6/udp(dport = 53)/dns(qr = 1)",
    "ipv6/udp(sport = 546, dport = 547)/payload(20)",
    "ipv4/udp(sport = 123, dport = 123)/payload(48)",
    "ipv6/udp(sport = 5000, dport = 123)/payload(48)",
    "ipv4/udp(dport = 4789)/payload(8)",
    "ipv4/udp(checksum = 0)/payload(200)",
    "ipv4/sctp(sport = 2905, dport = 2905)/payload(8)",
    "ipv6/sctp(dport = 2905)/payload(8)",
    "ipv4/icmp(type = 8)",
    "ipv4/icmp(type = 3, code = 3)/payload(28)",
    "ipv6/icmp6(type = 128)",
    "ipv6(ttl = 255, src = fe80::1, dst = ff02::1)/icmp6(type = 135)/payload(16)",
    "ipv6(ttl = 255, src = fe80::1)/icmp6(type = 133)",
    "ipv4(proto = 2, ttl = 1, dst = 224.0.0.1)/payload(8)",
    "ipv4(proto = 47)/payload(8)",
    "ipv4(proto = 89, ttl = 1, dst = 224.0.0.5)/payload(24)",
    "ipv6(next_header = 89, dst = ff02::5)/payload(24)",
    "ipv4(proto = 103, dst = 224.0.0.13)/payload(8)",
    "ipv6(next_header = 103)/payload(8)",
    "ipv4(dst = 250.0.0.1)/udp",
    "ipv4(src = 192.168.1.1, dst = 192.168.1.2)/tcp(dport = 6001, ack = 1)",
    "ipv4(src = 10.1.2.3, dst = 172.20.0.1)/udp(sport = 7, dport = 7)",
    "ipv4(src = 127.0.0.1, dst = 127.0.0.1)/tcp",
    "ipv4(src = 192.168.1.7, dst = 192.168.1.1)/icmp(type = 0)",
    "ipv4(dscp = 46, ecn = 1)/udp/payload(700)",
    "ipv4(id = 0, dont_fragment = 1)/tcp/payload(1200)",
    "ipv4(id = 9, reserved = 1, ttl = 3)/tcp",
    "ipv4(more_fragments = 1)/udp(dport = 80)/payload(16)",
    "ipv4(fragment_offset = 2)/payload(16)",
    "ipv4(fragment_offset = 2, proto = 17)/payload(\"\\x00\\x35\\x00\\x35\\x00\\x10\\x00\\x00aaaaaaaaaaaaaaaa\")",
    "ipv4(fragment_offset = 2, proto = 6)/payload(\"\\x01\\xbb\\x00\\x50\\x00\\x10\\x00\\x00aaaaaaaaaaaaaaaa\")",
    "ipv4(checksum = 0)/udp",
    "ipv6(flow_label = 77, traffic_class = 12)/udp/payload(120)",
    "ipv6/hopbyhop/tcp(dport = 80, syn = 1)",
    "ipv6/destination/routing/udp(dport = 53)/dns",
    "ipv6/fragment(more_fragments = 1)/udp(dport = 53)/payload(16)",
    "ipv6/hopbyhop/fragment(offset = 2, next_header = 17)/payload(\"\\x00\\x35\\x00\\x35\\x00\\x10\\x00\\x00aaaa\")",
    "ipv6/fragment(offset = 2, next_header = 6)/payload(\"\\x01\\xbb\\x00\\x50\\x00\\x10\\x00\\x00aaaaaaaaaaaaaaaa\")",
    "ipv6/fragment/icmp6(type = 136)",
    "vlan(id = 100)/ipv4/tcp(dport = 80, syn = 1)",
    "vlan(id = 7)/ipv6/udp(dport = 53)/dns",
    "vlan(id = 100)/vlan(id = 5)/ipv4/udp(dport = 53)/dns(qr = 1)",
    "vlan(id = 100)/arp",
    "vlan/ipv4/icmp(type = 8)",
    "ipv4(ihl = 6)/udp",
    "ipv4/tcp(data_offset = 6)",
};

const ir::Policy& library() {
  static const auto checked = differential::check("policy library { default pass }\n");
  return checked->policy;
}

const std::string& nameOf(const oracle::Place& place) {
  return library().headers[place.header].name;
}

bool isExtension(const oracle::Place& place) {
  return library().headers[place.header].kind == ir::HeaderKind::extension;
}

void append(std::vector<uint8_t>& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// IPv6 with what its chain of extension headers ends in. A later fragment keeps its fragment header: what is behind it
// is no header.
void appendIpv6(const oracle::Packet& packet, size_t at, std::vector<uint8_t>& out) {
  const oracle::Place& ip = packet.places[at];
  size_t behind = at + 1;
  while (behind < packet.places.size() && isExtension(packet.places[behind]))
    ++behind;
  const oracle::Place& last = packet.places[behind - 1];
  const size_t start = out.size();
  append(out, packet.frame.subspan(ip.offset, ip.size));
  const bool later_fragment = behind == packet.places.size() && nameOf(last) == "fragment" &&
                              (packet.frame[last.offset + 2] << 8 | (packet.frame[last.offset + 3] & 0xf8)) != 0;
  out[start + kNextHeader] = later_fragment ? 44 : static_cast<uint8_t>(ip.protocol_behind.value_or(59));
  append(out, packet.frame.subspan(later_fragment ? last.offset : last.offset + last.size));
}

std::vector<uint8_t> plainFrame(const oracle::Packet& packet) {
  for (size_t i = 0; i < packet.places.size(); ++i) {
    const std::string& name = nameOf(packet.places[i]);
    if (name != "ipv4" && name != "ipv6" && name != "arp")
      continue;
    std::vector<uint8_t> out(packet.frame.begin(), packet.frame.begin() + kMacs);
    const uint16_t type = name == "ipv4" ? 0x0800 : name == "ipv6" ? 0x86dd : 0x0806;
    out.push_back(static_cast<uint8_t>(type >> 8));
    out.push_back(static_cast<uint8_t>(type));
    if (name == "ipv6")
      appendIpv6(packet, i, out);
    else
      append(out, packet.frame.subspan(packet.places[i].offset));
    return out;
  }
  return {packet.frame.begin(), packet.frame.end()};
}

CapturedFrame looked(std::string name, std::vector<uint8_t> bytes) {
  const oracle::Packet packet = oracle::parsePacket(library(), bytes, 1, 0);
  CapturedFrame frame{std::move(name), {}, plainFrame(packet), !packet.malformed && !packet.unparsed};
  frame.bytes = std::move(bytes);
  return frame;
}

void readCapture(const std::filesystem::path& path, std::vector<CapturedFrame>& frames) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* capture = pcap_open_offline(path.c_str(), error);
  if (!capture)
    return;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (size_t number = 1; pcap_datalink(capture) == DLT_EN10MB && pcap_next_ex(capture, &header, &bytes) == 1; ++number)
    if (header->caplen >= kShortest && header->caplen <= kLongest && header->caplen == header->len)
      frames.push_back(looked(fmt::format("{}, frame {}", path.filename().string(), number),
                              std::vector<uint8_t>(bytes, bytes + header->caplen)));
  pcap_close(capture);
}

} // namespace

std::vector<CapturedFrame> ownFrames() {
  std::vector<CapturedFrame> frames;
  auto built = differential::buildFrames(kOwn);
  for (size_t i = 0; i < built.size(); ++i)
    frames.push_back(looked(kOwn[i], std::move(built[i])));
  return frames;
}

void readCaptures(const std::string& folder, std::vector<CapturedFrame>& frames) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      paths.push_back(entry.path());
  std::ranges::sort(paths);
  for (const auto& path : paths)
    readCapture(path, frames);
}

} // namespace xdpc::captures
