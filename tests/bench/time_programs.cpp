// Times XDP programs side by side by BPF_PROG_TEST_RUN: rounds are interleaved, so that the machine's noise meets all
// of them. For tests/bench/bench.py, which makes the objects and the frames and compares.
//
//   time_programs ROUNDS REPEAT FRAMES.pcap OBJECT…
//
// An object is xdpc's or any that libbpf loads. Prints a line of JSON: for each object the mean ns a frame, by round.
#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"
#include "runtime/object/object.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H // its bpf_insn is the classic one
#include <pcap/pcap.h>

#include <memory>
#include <optional>

namespace {

using namespace xdpc;

struct Program {
  kernel::Fd fd;
  std::optional<kernel::LoadedPolicy> policy; // keeps our maps
  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object{nullptr, bpf_object__close};

  const kernel::Fd& program() const { return policy ? policy->program : fd; }
};

[[noreturn]] void fail(const std::string& message) {
  fmt::print(stderr, "time_programs: {}\n", message);
  exit(1);
}

Program loadForeign(const char* path) {
  Program program;
  program.object.reset(bpf_object__open_file(path, nullptr));
  if (!program.object || bpf_object__load(program.object.get()))
    fail(fmt::format("cannot load {}", path));
  program.fd = kernel::Fd(dup(bpf_program__fd(bpf_object__next_program(program.object.get(), nullptr))));
  return program;
}

Program load(const char* path) {
  auto object = object::readObjectFile(path);
  if (!object)
    return loadForeign(path);
  auto policy = kernel::loadPolicy(*object, 0);
  if (!policy)
    fail(kernel::toText(policy.error()));
  Program program;
  program.policy = std::move(*policy);
  return program;
}

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
    programs.push_back(load(argv[i]));
  std::vector<std::vector<double>> times(programs.size());
  for (const Program& program : programs) // warm caches and branch predictors
    timeAll(program, frames, repeat / 10 + 1);
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < programs.size(); ++i)
      times[i].push_back(timeAll(programs[i], frames, repeat));
  fmt::print("{}\n", nlohmann::json(times).dump());
}
