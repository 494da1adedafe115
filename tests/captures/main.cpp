// captures [FOLDER] [--engines vm,kernel]: conditions of `.xf` and pcap-filter expressions that mean the same
// (expressions.cpp) over frames built here and all captures in the folder. libpcap's own compiler and interpreter are
// the judge, frame by frame, on frames that are well-formed: neither pkt.malformed nor pkt.unparsed by the oracle.
#include "tests/captures/expressions.h"
#include "tests/captures/frames.h"
#include "tests/differential/trace.h"

#include <CLI/CLI.hpp>
#include <pcap/pcap.h>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

using namespace xdpc;
using namespace xdpc::captures;

namespace {

constexpr size_t kRulesAtOnce = 20;
constexpr unsigned kShown = 20;

struct Options {
  std::string folder;
  std::vector<std::string> engines = {"vm"};
};

class PcapProgram {
public:
  explicit PcapProgram(const std::string& expression) {
    pcap_t* dead = pcap_open_dead(DLT_EN10MB, 262144);
    const int done = pcap_compile(dead, &program_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN);
    const std::string reason = done == 0 ? "" : pcap_geterr(dead);
    pcap_close(dead);
    if (done != 0)
      throw std::runtime_error(fmt::format("pcap-filter `{}`: {}", expression, reason));
  }
  PcapProgram(const PcapProgram&) = delete;
  ~PcapProgram() { pcap_freecode(&program_); }

  bool matches(const std::vector<uint8_t>& frame) const {
    pcap_pkthdr header{};
    header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
    return pcap_offline_filter(&program_, &header, frame.data()) != 0;
  }

private:
  bpf_program program_{};
};

std::string policyText(size_t first, size_t last) {
  std::string text = "counter all\npolicy captures {\n";
  for (size_t i = first; i < last; ++i)
    text += fmt::format("    rule{}: count all when {}\n", i, equivalences()[i].condition);
  return text + "    default pass\n}\n";
}

class Comparison {
public:
  Comparison(const Options& options, const std::vector<CapturedFrame>& frames) : options_(options), frames_(frames) {
    for (const CapturedFrame& frame : frames)
      inputs_.push_back({frame.bytes, 1'000'000'000});
  }

  // Rules first to last, in one policy.
  void run(size_t first, size_t last) {
    const auto compiled = differential::compile(policyText(first, last));
    const auto oracle = differential::traceOracle(compiled->policy, inputs_);
    compare("oracle", oracle, first, last);
    for (const std::string& engine : options_.engines)
      compare(engine, differential::traceEngine(engine, *compiled, inputs_), first, last);
  }

  size_t wrong() const { return wrong_; }
  const std::vector<size_t>& matches() const { return matches_; }

private:
  void compare(const std::string& name, const differential::Trace& trace, size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) {
      const Equivalence& one = equivalences()[i];
      const PcapProgram program(one.pcap);
      const std::string rule = fmt::format("rule{}", i);
      for (size_t frame = 0; frame < frames_.size(); ++frame) {
        const auto& held = trace.packets[frame].held;
        const bool xf = std::ranges::count(held, rule) > 0;
        const CapturedFrame& captured = frames_[frame];
        const bool pcap = program.matches(one.frames == Frames::plain ? captured.plain : captured.bytes);
        matches_[i] += pcap && name == "oracle";
        if (xf != pcap && wrong_++ < kShown)
          fmt::print("{}: pcap-filter `{}`: {}; {} `{}`: {}\n    {:02x}\n", captured.name, one.pcap, pcap, name,
                     one.condition, xf, fmt::join(captured.bytes, ""));
      }
    }
  }

  const Options& options_;
  const std::vector<CapturedFrame>& frames_;
  differential::Inputs inputs_;
  size_t wrong_ = 0;
  std::vector<size_t> matches_ = std::vector<size_t>(equivalences().size());
};

int run(const Options& options) {
  std::vector<CapturedFrame> frames = ownFrames();
  const size_t own = frames.size();
  if (!options.folder.empty())
    readCaptures(options.folder, frames);
  const size_t all = frames.size();
  std::erase_if(frames, [](const CapturedFrame& frame) { return !frame.well_formed; });

  Comparison comparison(options, frames);
  const size_t count = equivalences().size();
  for (size_t first = 0; first < count; first += kRulesAtOnce)
    comparison.run(first, std::min(count, first + kRulesAtOnce));
  for (size_t i = 0; i < count; ++i)
    if (comparison.matches()[i] == 0)
      fmt::print("no frame matches `{}`\n", equivalences()[i].pcap);
  const auto unmatched = std::ranges::count(comparison.matches(), 0u);
  fmt::print("{} expressions over {} frames ({} of {} are well-formed, {} built here): {} differences, {} without a "
             "match\n",
             count, frames.size(), frames.size(), all, own, comparison.wrong(), unmatched);
  return comparison.wrong() == 0 && unmatched == 0 && !frames.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("conditions and pcap-filter expressions over captures");
  Options options;
  app.add_option("folder", options.folder);
  app.add_option("--engines", options.engines)->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
