// pcap-filter expressions and conditions of `.xf` that mean the same.
#pragma once

#include <string>
#include <vector>

namespace xdpc::captures {

// What the frame is to pcap-filter. It looks for IP right behind Ethernet, and for the transport right behind IP:
// `.xf` sees through VLAN tags and extension headers, so these are taken out of the frame that pcap-filter gets. Where
// tags or the frame's length are the question it gets the frame as it is.
enum class Frames { plain, as_is };

struct Equivalence {
  std::string pcap, condition;
  Frames frames = Frames::plain;
  std::string why = ""; // the two are not written alike
};

const std::vector<Equivalence>& equivalences();

} // namespace xdpc::captures
