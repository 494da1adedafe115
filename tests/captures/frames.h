// Frames to ask pcap-filter about: a small set that is built here, and captures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::captures {

struct CapturedFrame {
  std::string name; // "FILE, frame 3", or the packet as tests write it
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> plain; // without tags and extension headers: see expressions.h
  bool well_formed = false;
};

std::vector<CapturedFrame> ownFrames();
// All pcap and pcapng files of Ethernet frames below the folder.
void readCaptures(const std::string& folder, std::vector<CapturedFrame>& frames);

} // namespace xdpc::captures
