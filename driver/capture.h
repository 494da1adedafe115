// Captures in and out, over libpcap: pcap and pcapng of Ethernet frames. Tested by tests/lit/cli/run.test.
#pragma once

#include "driver/file.h"
#include "runtime/abi/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace xdpc::driver {

struct CaptureError {
  std::string message;     // one line, names the file
  bool unreadable = false; // there is no such file, or no permission: its content is not at fault
};

struct CapturedFrame {
  std::span<const uint8_t> bytes; // as captured; valid until the next one is read
  uint64_t time_ns = 0;           // since 1970
  uint32_t wire_length = 0;       // what was on the wire: more than was captured if the capture cut it
};

class CaptureReader {
public:
  static Result<CaptureReader, CaptureError> open(const std::string& path);
  CaptureReader(CaptureReader&&) noexcept;
  ~CaptureReader();
  // Nothing at the end. A capture that breaks off is an error after its last whole frame.
  Result<std::optional<CapturedFrame>, CaptureError> next();

private:
  struct State;
  explicit CaptureReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Writes pcap with times in nanoseconds. The file appears when it is committed.
class CaptureWriter {
public:
  static Result<CaptureWriter, CaptureError> create(const std::string& path);
  CaptureWriter(CaptureWriter&&) noexcept;
  ~CaptureWriter();
  void write(std::span<const uint8_t> bytes, uint64_t time_ns);
  Result<Done, CaptureError> commit();

private:
  struct State;
  explicit CaptureWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

} // namespace xdpc::driver
