// Writes pcapng (draft-ietf-opsawg-pcapng) as Wireshark reads it: an interface block a device, a packet with its rule
// as a comment and its verdict (epb_verdict), and at the end how many were lost. By hand, as libpcap writes no options.
// Tested by tests/live/capture.py.
#pragma once

#include "driver/file.h"
#include "runtime/abi/abi.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::driver {

struct PcapngPacket {
  std::span<const uint8_t> bytes;
  uint64_t time_ns = 0; // since 1970
  uint32_t length = 0;  // on the wire
  uint32_t interface = 0;
  uint32_t queue = 0;
  std::optional<abi::Verdict> verdict;
  std::string comment;
};

class PcapngWriter {
public:
  // "-": standard output. What the file had before stays until `begin`; from then on it can be looked at while it
  // grows.
  static Result<PcapngWriter, FileError> create(const std::string& path);
  void begin();

  // Its number. `snap_length` 0: none.
  uint32_t addInterface(const std::string& name, uint32_t snap_length);
  void write(const PcapngPacket& packet);
  void writeStatistics(uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped);
  bool flush(); // false: nobody reads it any more, or there is no room
  FileError error() const;

private:
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  PcapngWriter(std::unique_ptr<FILE, Close> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  void put(uint32_t type, std::vector<uint8_t>& body);

  std::unique_ptr<FILE, Close> file_;
  std::string path_;
  uint32_t interfaces_ = 0;
  std::vector<uint8_t> body_; // of the block that is put together
};

} // namespace xdpc::driver
