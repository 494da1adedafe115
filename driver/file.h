// Files in and out. Reading is bounded; writing leaves the old file or the new one, never half of it.
#pragma once

#include "runtime/abi/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xdpc::driver {

struct FileError {
  std::string message; // one line, names the file
  bool too_large = false;
};

// The whole file. A directory, or more than `limit` bytes, is an error; "-" is standard input.
Result<std::string, FileError> readFile(const std::string& path, size_t limit);

// A file that takes its name only when it is complete: written beside `path` under a temporary name, synced, renamed.
// Gone without a trace if it is never committed. A device or a pipe is written in place.
class NewFile {
public:
  static Result<NewFile, FileError> create(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  ~NewFile();

  int fd() const { return fd_; }
  Result<Done, FileError> write(std::span<const uint8_t> bytes);
  Result<Done, FileError> commit();

private:
  NewFile(int fd, std::string path, std::string temporary);
  int fd_;
  std::string path_, temporary_; // temporary_ is empty for a device
};

// Says no where the output is one of the inputs, by whatever name. Devices and pipes are nobody's contents; "" is none.
Result<Done, FileError> keepInputs(const std::string& output, const std::vector<std::string>& inputs);

Result<Done, FileError> writeFile(const std::string& path, std::span<const uint8_t> bytes);

} // namespace xdpc::driver
