// Seeded choices. The same seed gives the same policies and packets on every machine: no std:: distribution is used,
// whose results differ between libraries.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace xdpc::differential {

class Random {
public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t bits() { return engine_(); }
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class T> const T& pick(const std::vector<T>& from) { return from[below(from.size())]; }

private:
  std::mt19937_64 engine_;
};

} // namespace xdpc::differential
