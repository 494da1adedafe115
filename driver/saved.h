// A policy as `xdpc save` writes it: its object, where it ran, and the elements of its sets with their ends in
// wall-clock time. JSON, an object a line; the last one is a checksum over all before it.
#pragma once

#include "runtime/abi/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::driver {

struct SavedElement {
  std::string set, element, comment;
  std::optional<int64_t> until_unix_ns; // nothing: it does not end
};

struct Saved {
  std::string device, netns; // netns: name below /run/netns, or empty
  std::string mode;          // native, generic
  std::string policy;        // its name
  int64_t saved_unix_ns = 0;
  std::vector<uint8_t> object;
  std::vector<std::string> sets; // all that it has, empty ones too
  std::vector<SavedElement> elements;
};

std::string toText(const Saved& saved);

struct SavedError {
  std::string message; // one line
};
Result<Saved, SavedError> savedFromText(std::string_view text);

// Reads a file that nobody but its owner, root or the caller, can have written; else it is refused.
Result<Saved, SavedError> readSaved(const std::string& path);

inline constexpr const char* kStateFolder = "/var/lib/xdpc";
inline constexpr const char* kSavedSuffix = ".saved";
// `eth0.saved`, `eth0@blue.saved`.
std::string savedName(const std::string& device, const std::string& netns);

} // namespace xdpc::driver
