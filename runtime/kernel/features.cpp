// Loads programs of a few instructions, each of which asks one question.
#include "runtime/kernel/features.h"

#include "runtime/kernel/fd.h"
#include "runtime/kernel/kernel_types.h"
#include "runtime/kernel/privilege.h"

#include <bpf/bpf.h>
#include <cstdio>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace xdpc::kernel {
namespace {

using Code = std::vector<bpf_insn>;

bpf_insn make(uint8_t code, uint8_t dst, uint8_t src, int16_t offset, int32_t imm) {
  return {.code = code, .dst_reg = dst, .src_reg = src, .off = offset, .imm = imm};
}

bool loads(Code code) {
  code.push_back(make(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS));
  code.push_back(make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP, .prog_flags = BPF_F_XDP_HAS_FRAGS);
  return bool(Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", code.data(), code.size(), &options)));
}

// Frames of several buffers and their length (5.18), the coarse clock (5.11), atomics that give what was there (5.12).
bool takesPolicies() {
  return loads({make(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_get_buff_len)}) &&
         loads({make(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_coarse_ns)}) &&
         loads({make(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0),
                make(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
                make(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_10, BPF_REG_1, -8, BPF_ADD | BPF_FETCH)});
}

// A move that extends the sign.
bool takesIsaV4() {
  return loads({make(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
                make(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_1, 8, 0)});
}

bool hasRingBuffer() {
  return bool(Fd(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, "xdpc_probe", 0, 0, static_cast<uint32_t>(sysconf(_SC_PAGESIZE)), nullptr)));
}

std::optional<bool> jitIsOn() {
  const Fd file(open("/proc/sys/net/core/bpf_jit_enable", O_RDONLY | O_CLOEXEC));
  char value = 0;
  if (!file || read(file.get(), &value, 1) != 1)
    return std::nullopt;
  return value != '0';
}

bool isAtLeast(const std::string& release, int major, int minor) {
  int has_major = 0, has_minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &has_major, &has_minor) != 2)
    return false;
  return has_major != major ? has_major > major : has_minor >= minor;
}

} // namespace

KernelFacts kernelFacts() {
  KernelFacts facts;
  utsname name{};
  if (uname(&name) == 0)
    facts.release = name.release;
  facts.missing_capabilities = missingCapabilities();
  facts.jit = jitIsOn();
  facts.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  facts.frags_flag = castToKernelContext().has_value();
  facts.inlined_cpu = isAtLeast(facts.release, 6, 10);
  if (!facts.missing_capabilities.empty())
    return facts;
  facts.programs = takesPolicies();
  facts.isa_v4 = takesIsaV4();
  facts.ring_buffer = hasRingBuffer();
  return facts;
}

} // namespace xdpc::kernel
