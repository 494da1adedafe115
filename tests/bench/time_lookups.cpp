// Times lookups of 65,536 different keys side by side by BPF_PROG_TEST_RUN, round by round in turn. For
// tests/bench/sets.py, which makes the objects, the keys and the lists.
//
//   time_lookups ROUNDS REPEAT FRAME KEYS ROTATE.o OBJECT[=[MAP:]ELEMENTS,…]…
//
// FRAME, KEYS and ELEMENTS are files of bytes: one frame; keys of 16 bytes, which rotate.c or rotate_flow.c puts into
// it; keys of the object's map `table`, the values of an array MAP from its first element on, or for an object of ours
// lines of text, which replace what its first set has. Prints a line of JSON: for each object the mean ns a run, by
// round, how many frames it dropped of the keys asked once, and how many instructions the verifier walked; and the
// milliseconds that the replacing of all elements took, and the adding of one. Each object is loaded several times, as
// in time_programs. REPEAT is at most so many runs a round; slow ones take no longer than they must.
#include "tests/bench/programs.h"

#include "runtime/sets/sets.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using namespace xdpc;
using bench::fail;
using bench::mapOf;
using bench::Program;
using bench::readBytes;

constexpr uint32_t kKeys = 65536;
constexpr int kCopies = 3;
constexpr uint64_t kLarge = 4 << 20; // bytes of an object whose copies would take the caches from each other
constexpr double kRoundNs = 4e8;     // unless once through the keys takes longer
constexpr double kSlowNs = 1000;     // a run that nobody has to warm up: what it waits for is not the tables

template <class Work> double milliseconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void check(const Result<Done, sets::SetError>& done) {
  if (!done)
    fail(done.error().message);
}

// Replacing all, twice as there is then something to replace; and one more, the median of some that are added and
// removed in turn.
std::pair<double, double> fillSet(const Program& program, const std::string& path) {
  const auto& manifest = program.manifest;
  const abi::Set& set = manifest.sets.at(0);
  std::ifstream file(path);
  std::vector<sets::Element> elements;
  for (std::string line; std::getline(file, line);)
    elements.push_back({abi::parseKey(set.key, line).value()});
  double all = 0;
  for (int i = 0; i < 2; ++i)
    all = milliseconds([&] { check(sets::replace(*program.policy->maps, manifest, set, elements, 0)); });
  std::vector<double> one;
  for (size_t i = 0; i < 99; ++i) {
    const std::vector<abi::KeyValue> key = {elements[i * 7919 % elements.size()].key};
    one.push_back(milliseconds([&] { check(sets::remove(*program.policy->maps, manifest, set, key, 0)); }));
    one.push_back(milliseconds([&] { check(sets::add(*program.policy->maps, manifest, set, key, {})); }));
  }
  std::nth_element(one.begin(), one.begin() + 99, one.end());
  return {all, one[99]};
}

Program loadFilled(const std::string& argument, nlohmann::json& changes) {
  Program program = bench::loadFilled(argument);
  if (const size_t equals = argument.find('='); equals != std::string::npos && program.policy) {
    const auto [all, one] = fillSet(program, argument.substr(equals + 1));
    changes = {{"all", all}, {"one", one}};
  }
  return program;
}

// OBJECT[=…]
std::string fileOf(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

uint32_t verifiedInstructions(const Program& program) {
  bpf_prog_info info{};
  uint32_t size = sizeof info;
  bpf_obj_get_info_by_fd(program.program().get(), &info, &size);
  return info.verified_insns;
}

class Rotation {
public:
  Rotation(const char* object, const char* keys, const char* frame)
      : program_(bench::loadFilled(fmt::format("{}=keys:{}", object, keys))), frame_(readBytes(frame)) {}

  void choose(const Program& program) {
    const uint32_t key = 0, fd = program.program().get();
    if (bpf_map_update_elem(mapOf(program_, "next"), &key, &fd, BPF_ANY))
      fail("cannot set the program to go on with");
  }

  double time(uint32_t repeat) {
    const auto timing = kernel::timeRuns(program_.program(), std::span<const uint8_t>(frame_), repeat);
    if (!timing)
      fail(kernel::toText(timing.error()));
    return timing->kernel_ns;
  }

  // Of the first 4,096 keys: whether the lookups agree.
  uint32_t drops() {
    uint32_t drops = 0;
    abi::Bytes left;
    for (uint32_t i = 0; i < kKeys / 16; ++i) {
      const auto verdict = kernel::runOnce(program_.program(), frame_, left);
      if (!verdict)
        fail(kernel::toText(verdict.error()));
      drops += *verdict == abi::kDrop;
    }
    return drops;
  }

private:
  Program program_;
  std::vector<uint8_t> frame_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 7)
    fail("usage: time_lookups ROUNDS REPEAT FRAME KEYS ROTATE.o OBJECT[=[MAP:]ELEMENTS,...]...");
  const int rounds = atoi(argv[1]);
  const auto repeat = static_cast<uint32_t>(atoi(argv[2]));
  std::vector<std::vector<Program>> candidates(argc - 6);
  nlohmann::json changes, drops = nlohmann::json::array(), verified = nlohmann::json::array();
  for (int copy = 0; copy < kCopies; ++copy)
    for (size_t i = 0; i < candidates.size(); ++i)
      if (copy == 0 || std::filesystem::file_size(fileOf(argv[6 + i])) < kLarge)
        candidates[i].push_back(loadFilled(argv[6 + i], changes));
  for (const std::vector<Program>& copies : candidates) {
    Rotation fresh(argv[5], argv[4], argv[3]); // each from the first key on
    fresh.choose(copies[0]);
    drops.push_back(fresh.drops());
    verified.push_back(verifiedInstructions(copies[0]));
  }
  Rotation rotation(argv[5], argv[4], argv[3]);
  std::vector<uint32_t> repeats(candidates.size(), kKeys);
  std::vector<std::vector<double>> times(candidates.size());
  for (int round = -kCopies; round < rounds; ++round) // the first ones warm the caches, and say how long a run takes
    for (size_t i = 0; i < candidates.size(); ++i) {
      rotation.choose(candidates[i][static_cast<size_t>(round + kCopies) % candidates[i].size()]);
      if (round >= 0 && kRoundNs / repeats[i] < kSlowNs)
        rotation.time(kKeys); // its tables back into the caches, which the others' have pushed out
      const double ns = rotation.time(std::min(repeats[i], repeat));
      if (round >= 0)
        times[i].push_back(ns);
      else
        repeats[i] = std::max(kKeys, static_cast<uint32_t>(kRoundNs / std::max(ns, 1.0)));
    }
  fmt::print("{}\n",
             nlohmann::json{{"times", times}, {"drops", drops}, {"verified", verified}, {"changes", changes}}.dump());
}
