// Writes the program by hand: a comparison of the coarse clock and tail calls with constant indices, which the kernel
// turns into jumps. Tested in tests/live/trial.py.
#include "runtime/kernel/trial_program.h"

#include "runtime/abi/abi.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <ctime>
#include <linux/bpf.h>
#include <vector>

namespace xdpc::kernel {
namespace {

constexpr uint32_t kNew = 0, kPrevious = 1;

bpf_insn make(uint8_t code, uint8_t dst, uint8_t src, int16_t offset, int32_t imm) {
  return {.code = code, .dst_reg = dst, .src_reg = src, .off = offset, .imm = imm};
}

void move(std::vector<bpf_insn>& to, uint8_t dst, uint8_t src) {
  to.push_back(make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0));
}

void load64(std::vector<bpf_insn>& to, uint8_t dst, uint8_t kind, uint64_t value) {
  to.push_back(make(BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, static_cast<int32_t>(value)));
  to.push_back(make(0, 0, 0, 0, static_cast<int32_t>(value >> 32)));
}

// Goes on behind it only if the place is empty.
void tailCall(std::vector<bpf_insn>& to, const Fd& array, uint32_t index) {
  move(to, BPF_REG_1, BPF_REG_6);
  load64(to, BPF_REG_2, BPF_PSEUDO_MAP_FD, static_cast<uint32_t>(array.get()));
  to.push_back(make(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, static_cast<int32_t>(index)));
  to.push_back(make(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call));
}

std::vector<bpf_insn> write(const Fd& array, bool has_previous, uint64_t deadline_ns) {
  std::vector<bpf_insn> code;
  move(code, BPF_REG_6, BPF_REG_1);
  code.push_back(make(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_coarse_ns));
  load64(code, BPF_REG_1, 0, deadline_ns);
  const size_t branch = code.size();
  code.push_back(make(BPF_JMP | BPF_JGE | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0));
  tailCall(code, array, kNew);
  code[branch].off = static_cast<int16_t>(code.size() - branch - 1);
  if (has_previous) {
    tailCall(code, array, kPrevious);
    tailCall(code, array, kNew); // rather this policy than none
  }
  code.push_back(make(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS));
  code.push_back(make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return code;
}

KernelResult<Done> put(const Fd& array, uint32_t index, const Fd& program) {
  const int value = program.get();
  if (bpf_map_update_elem(array.get(), &index, &value, BPF_ANY) != 0)
    return systemError("cannot put a policy into the trial's array", errno);
  return Done{};
}

} // namespace

KernelResult<TrialProgram> loadTrialProgram(const Fd& program, const Fd& previous, uint64_t deadline_ns) {
  TrialProgram trial;
  trial.array =
      Fd(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "xdpc_trial", sizeof(uint32_t), sizeof(uint32_t), 2, nullptr));
  if (!trial.array)
    return systemError("cannot create the trial's array", errno);
  if (auto done = put(trial.array, kNew, program); !done)
    return done.error();
  if (previous)
    if (auto done = put(trial.array, kPrevious, previous); !done)
      return done.error();
  const auto code = write(trial.array, static_cast<bool>(previous), deadline_ns);
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP, .prog_flags = BPF_F_XDP_HAS_FRAGS);
  trial.program = Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_trial", abi::kLicense, code.data(), code.size(), &options));
  if (!trial.program)
    return systemError("cannot load the trial's program", errno);
  return trial;
}

KernelResult<Done> handOverTo(const Fd& array, const Fd& program) {
  return put(array, kNew, program);
}

uint64_t coarseMonotonic() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

} // namespace xdpc::kernel
