// Times XDP programs side by side by BPF_PROG_TEST_RUN: rounds are interleaved, so that the machine's noise meets all
// of them. For tests/bench/bench.py, which makes the objects and the frames and compares.
//
//   time_programs ROUNDS REPEAT FRAMES.pcap OBJECT…
//
// An object is xdpc's or any that libbpf loads. Prints a line of JSON: for each object the mean ns a frame, by round.
#include "tests/bench/programs.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H // its bpf_insn is the classic one
#include <pcap/pcap.h>

namespace {

using namespace xdpc;

using bench::fail;
using bench::Program;

std::vector<abi::Bytes> readFrames(const char* path) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* capture = pcap_open_offline(path, error);
  if (!capture)
    fail(error);
  std::vector<abi::Bytes> frames;
  pcap_pkthdr* header;
  const u_char* bytes;
  while (pcap_next_ex(capture, &header, &bytes) == 1)
    frames.emplace_back(bytes, bytes + header->caplen);
  pcap_close(capture);
  return frames;
}

// By the kernel's own clock: around the call there is also the time in which it switches the XDP dispatcher, some 18
// ms. The kernel cuts each mean to whole ns, which the mean over the frames smooths.
double timeAll(const Program& program, const std::vector<abi::Bytes>& frames, uint32_t repeat) {
  double sum = 0;
  for (const abi::Bytes& frame : frames) {
    auto timing = kernel::timeRuns(program.program(), std::span<const uint8_t>(frame), repeat);
    if (!timing)
      fail(kernel::toText(timing.error()));
    sum += timing->kernel_ns + 0.5;
  }
  return sum / frames.size();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 5)
    fail("usage: time_programs ROUNDS REPEAT FRAMES.pcap OBJECT...");
  int rounds = atoi(argv[1]);
  auto repeat = static_cast<uint32_t>(atoi(argv[2]));
  std::vector<abi::Bytes> frames = readFrames(argv[3]);
  std::vector<Program> programs;
  for (int i = 4; i < argc; ++i)
    programs.push_back(bench::load(argv[i]));
  std::vector<std::vector<double>> times(programs.size());
  for (const Program& program : programs) // warm caches and branch predictors
    timeAll(program, frames, repeat / 10 + 1);
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < programs.size(); ++i)
      times[i].push_back(timeAll(programs[i], frames, repeat));
  fmt::print("{}\n", nlohmann::json(times).dump());
}
