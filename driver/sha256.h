// SHA-256 (FIPS 180-4) of a policy's source, for the manifest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace xdpc::driver {

class Sha256 {
public:
  void add(std::string_view text);
  std::string hex() const; // of all that was added: 64 digits

private:
  static constexpr size_t kBlock = 64;

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string rest_; // less than a block
  uint64_t bytes_ = 0;
};

inline std::string sha256(std::string_view text) {
  Sha256 sum;
  sum.add(text);
  return sum.hex();
}

} // namespace xdpc::driver
