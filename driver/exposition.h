// Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): families of samples,
// each with its help text and type once, whatever order the samples came in. Tested by tests/live/metrics.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xdpc::driver {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

enum class MetricType { counter, gauge };

class Exposition {
public:
  // The help text is the same for all samples of a name.
  void add(std::string_view name, MetricType type, std::string_view help, const Labels& labels, uint64_t value);
  void add(std::string_view name, MetricType type, std::string_view help, const Labels& labels, double value);
  std::string text() const;

private:
  struct Family {
    std::string name, head, samples;
  };
  std::string& samplesOf(std::string_view name, MetricType type, std::string_view help);
  std::vector<Family> families_; // in the order of their first samples
};

} // namespace xdpc::driver
