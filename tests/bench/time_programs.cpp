// Times XDP programs side by side by BPF_PROG_TEST_RUN: rounds are interleaved, so that the machine's noise meets all
// of them. For tests/bench/bench.py, which makes the objects, the frames and the devices, and compares.
//
//   time_programs ROUNDS REPEAT COPIES DEVICES FRAMES.pcap OBJECT…
//
// An object is xdpc's or any that libbpf loads. Each is loaded COPIES times, as where the kernel happens to put a
// program is worth as much as some instructions; the rounds take the copies in turn. Every copy is attached to a device
// of its own, DEVICES0, DEVICES1…: the kernel's XDP dispatcher then knows all of them all the time. Else it is made
// anew around each call, which takes 18 ms and hides what is measured, but from the kernel's own clock, which knows
// whole ns alone. Prints a line of JSON: for each object the mean ns a frame, by round.
#include "tests/bench/programs.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H // its bpf_insn is the classic one
#include <pcap/pcap.h>

#include <cerrno>
#include <cstring>
#include <ctime>

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

double threadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e9 + double(time.tv_nsec);
}

// By the time that this thread had a CPU: the machine has others, too.
double timeAll(const Program& program, const std::vector<abi::Bytes>& frames, uint32_t repeat) {
  const double start = threadTime();
  auto timing = kernel::timeRuns(program.program(), frames, repeat);
  const double spent = threadTime() - start;
  if (!timing)
    fail(kernel::toText(timing.error()));
  return spent / repeat / double(frames.size());
}

kernel::Fd attach(const Program& program, const std::string& device) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  kernel::Fd link(bpf_link_create(program.program().get(), int(if_nametoindex(device.c_str())), BPF_XDP, &options));
  if (!link)
    fail(fmt::format("cannot attach to {}: {}", device, strerror(errno)));
  return link;
}

// One object, loaded several times.
struct Candidate {
  std::vector<Program> copies;
  std::vector<kernel::Fd> links;
  std::vector<double> times;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 7)
    fail("usage: time_programs ROUNDS REPEAT COPIES DEVICES FRAMES.pcap OBJECT...");
  const int rounds = atoi(argv[1]), copies = atoi(argv[3]);
  const auto repeat = static_cast<uint32_t>(atoi(argv[2]));
  const auto frames = readFrames(argv[5]);
  std::vector<Candidate> candidates(argc - 6);
  int devices = 0;
  for (int copy = 0; copy < copies; ++copy)
    for (size_t i = 0; i < candidates.size(); ++i) {
      candidates[i].copies.push_back(bench::load(argv[6 + i]));
      candidates[i].links.push_back(attach(candidates[i].copies.back(), fmt::format("{}{}", argv[4], devices++)));
    }
  for (int copy = 0; copy < copies; ++copy) // warm caches and branch predictors
    for (const Candidate& candidate : candidates)
      timeAll(candidate.copies[copy], frames, repeat / 10 + 1);
  for (int round = 0; round < rounds; ++round) {
    for (Candidate& candidate : candidates)
      candidate.times.push_back(timeAll(candidate.copies[round % copies], frames, repeat));
  }
  nlohmann::json out = nlohmann::json::array();
  for (const Candidate& candidate : candidates)
    out.push_back(candidate.times);
  fmt::print("{}\n", out.dump());
}
