// Loads the program: without a log first, as that is fast; again with one if the kernel refuses. Tested in
// tests/runtime/load_test.cpp.
#include "runtime/kernel/program.h"

#include "runtime/abi/keyed_table.h"
#include "runtime/kernel/frozen_bytes.h"
#include "runtime/kernel/kernel_types.h"
#include "runtime/kernel/map.h"
#include "runtime/kernel/privilege.h"
#include "runtime/kernel/verifier_log.h"
#include "runtime/object/compact.h"
#include "runtime/object/fold_config.h"
#include "runtime/object/pack.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/random.h>

namespace xdpc::kernel {
namespace {

constexpr size_t kFirstLog = 256 << 10;
constexpr size_t kLargestLog = 16 << 20;

// The program with this machine's numbers: the configuration, descriptors of the maps, and the kernel function that it
// calls.
std::vector<object::Instruction> numbered(const object::Object& object, const abi::Config& config,
                                          const Groundwork& groundwork) {
  auto [program, references] = object::foldConfig(object, config);
  for (const auto& reference : references) {
    auto& load = program.at(reference.instruction);
    load.src = reference.value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
    load.imm = groundwork.maps.at(reference.map).get();
    program.at(reference.instruction + 1).imm = reference.value ? static_cast<int32_t>(reference.offset) : 0;
  }
  if (groundwork.cast_function)
    for (auto& instruction : program)
      if (instruction.code == (BPF_JMP | BPF_CALL) &&
          instruction.imm == static_cast<int32_t>(abi::kCastToKernelContext)) {
        instruction.src = BPF_PSEUDO_KFUNC_CALL;
        instruction.imm = static_cast<int32_t>(*groundwork.cast_function);
      }
  return std::move(program);
}

// Invalid, and a warning, if the kernel refuses it: the policy runs as well without, its log only lacks the lines.
Fd loadBtf(const object::Object& object, std::vector<std::string>& warnings) {
  if (object.btf.empty())
    return {};
  Fd fd(bpf_btf_load(object.btf.data(), object.btf.size(), nullptr));
  if (fd)
    return fd;
  const int code = errno;
  std::string log(64 << 10, '\0');
  LIBBPF_OPTS(bpf_btf_load_opts, options, .log_buf = log.data(), .log_level = 1,
              .log_size = static_cast<uint32_t>(log.size()));
  fd = Fd(bpf_btf_load(object.btf.data(), object.btf.size(), &options));
  if (fd)
    return fd;
  const std::string sentence = lastSentence(std::string_view(log.c_str()));
  warnings.push_back(
      fmt::format("the kernel refused the program's BTF ({}): its tools will not show the policy's lines",
                  sentence.empty() ? strerror(code) : sentence.c_str()));
  return {};
}

// One attempt. The log is written where `log` is not empty; it is what the kernel printed then.
Fd tryLoad(const object::Object& object, const object::CompactCode& code, const Fd& btf, std::string* log) {
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP, .prog_flags = BPF_F_XDP_HAS_FRAGS);
  if (btf) {
    options.prog_btf_fd = btf.get();
    options.func_info = code.func_info.data();
    options.func_info_rec_size = object.func_info_size;
    options.func_info_cnt = object.func_info_size ? code.func_info.size() / object.func_info_size : 0;
    options.line_info = code.line_info.data();
    options.line_info_rec_size = object.line_info_size;
    options.line_info_cnt = object.line_info_size ? code.line_info.size() / object.line_info_size : 0;
  }
  if (log) {
    options.log_level = 1;
    options.log_buf = log->data();
    options.log_size = static_cast<uint32_t>(log->size());
  }
  Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, abi::kProgramName, object.license.c_str(),
                      reinterpret_cast<const bpf_insn*>(code.program.data()), code.program.size(), &options));
  return fd;
}

// Loads again to learn why, with all instructions, so that the log has the object's numbers. Fills `log`; a program
// that loads this time is welcome.
Fd loadWithLog(const object::Object& object, const std::vector<object::Instruction>& program, const Fd& btf,
               std::string& log, int& code) {
  const object::CompactCode whole{program, object.func_info, object.line_info};
  for (size_t size = kFirstLog;; size = std::min(size * 8, kLargestLog)) {
    log.assign(size, '\0');
    Fd fd = tryLoad(object, whole, btf, &log);
    code = errno;
    if (fd || code != ENOSPC || size == kLargestLog) {
      log.resize(std::strlen(log.c_str()));
      return fd;
    }
  }
}

uint64_t drawSeed() {
  uint64_t seed = 0;
  while (seed == 0)
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
      seed = 0; // a signal; the pool is ready long before any policy
  return seed;
}

bool lacksPerfmon() {
  const auto missing = missingCapabilities();
  return std::find(missing.begin(), missing.end(), "CAP_PERFMON") != missing.end();
}

KernelResult<abi::Config> configOf(const object::Object& object, uint32_t mode, const Groundwork& groundwork) {
  const auto cpus = possibleCpus();
  if (!cpus)
    return cpus.error();
  abi::Config config = object.config;
  config.abi = abi::kAbi;
  config.mode |= mode;
  config.rows = *cpus;
  config.hash_seed = groundwork.hash_seed;
  if (config.hash_seed == 0)
    config.hash_seed = mode & abi::kModeTest ? abi::kTestSeed : drawSeed();
  abi::seedTables(config, config.hash_seed);
  if (groundwork.cast_function && !(config.mode & abi::kModeCopied))
    config.mode |= abi::kModeFragsFlag;
  return config;
}

// The kernel found fault with the lines and functions, not with the program.
bool blamesBtf(std::string_view log) {
  return !lastInstruction(log) && (log.find("func_info") != log.npos || log.find("line_info") != log.npos);
}

KernelResult<Fd> loadProgram(const object::Object& object, const abi::Config& config, const Groundwork& groundwork,
                             std::vector<std::string>& warnings) {
  const auto program = numbered(object, config, groundwork);
  Fd btf = loadBtf(object, warnings);
  Fd fd = tryLoad(object, object::compact(program, object), btf, nullptr);
  if (fd)
    return fd;
  int code = errno;
  std::string log;
  // EPERM is also what the verifier says to somebody without CAP_PERFMON, and then it has a log.
  fd = loadWithLog(object, program, btf, log, code);
  if (!fd && btf && blamesBtf(log)) {
    warnings.push_back(fmt::format("the kernel refused the program's line info ({})", lastSentence(log)));
    btf.reset();
    fd = loadWithLog(object, program, btf, log, code);
  }
  if (fd)
    return fd;
  // Without CAP_PERFMON the verifier takes less: whatever it then refuses, the program is not to blame.
  if (code == EPERM || (code == EACCES && lacksPerfmon()))
    return privilegeError("cannot load the program", EPERM);
  if (code == EACCES && log.empty())
    return privilegeError("cannot load the program", code);
  if (log.empty())
    return systemError("cannot load the program", code);
  return refusal(object, log, code);
}

} // namespace

KernelResult<ProgramInfo> programInfo(int fd) {
  bpf_prog_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return systemError("cannot ask for the program", errno);
  ProgramInfo result{.id = info.id,
                     .name = info.name,
                     .load_time_ns = info.load_time,
                     .xlated_bytes = info.xlated_prog_len,
                     .jited_bytes = info.jited_prog_len,
                     .verified_instructions = info.verified_insns};
  for (const uint8_t byte : info.tag)
    result.tag += fmt::format("{:02x}", byte);
  return result;
}

KernelResult<std::vector<uint32_t>> mapsOfProgram(int fd) {
  bpf_prog_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return systemError("cannot ask for the program", errno);
  std::vector<uint32_t> ids(info.nr_map_ids);
  info = {.nr_map_ids = static_cast<uint32_t>(ids.size()), .map_ids = reinterpret_cast<uintptr_t>(ids.data())};
  size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return systemError("cannot ask for the program's maps", errno);
  ids.resize(std::min<size_t>(ids.size(), info.nr_map_ids));
  return ids;
}

KernelResult<Groundwork> layGroundwork(const abi::Manifest& manifest) {
  auto maps = createMaps(manifest);
  if (!maps)
    return maps.error();
  return groundworkOver(std::move(*maps));
}

KernelResult<Groundwork> groundworkOver(std::vector<Fd> maps) {
  Groundwork groundwork;
  groundwork.maps = std::move(maps);
  if (!lacksPerfmon()) // without, the verifier lets no program look into the kernel's structs
    groundwork.cast_function = castToKernelContext();
  return groundwork;
}

KernelResult<LoadedPolicy> loadPolicy(const object::Object& object, uint32_t mode,
                                      std::optional<Groundwork> groundwork) {
  LoadedPolicy policy;
  if (!groundwork) {
    auto laid = layGroundwork(object.manifest);
    if (!laid)
      return laid.error();
    groundwork = std::move(*laid);
  }
  const auto config = configOf(object, mode, *groundwork);
  if (!config)
    return config.error();
  if (auto filled = fillConfig(object.manifest, groundwork->maps, *config); !filled)
    return filled.error();
  if (auto filled = fillTables(object, groundwork->maps); !filled)
    return filled.error();
  auto program = loadProgram(object, *config, *groundwork, policy.warnings);
  if (!program)
    return program.error();
  policy.program = std::move(*program);
  auto info = programInfo(policy.program.get());
  if (!info)
    return info.error();
  policy.info = std::move(*info);
  auto manifest = createManifestMap(object.manifest_json);
  if (!manifest)
    return manifest.error();
  policy.manifest = std::move(*manifest);
  const auto packed = object::packCode(object);
  auto code = createCodeMap({reinterpret_cast<const char*>(packed.data()), packed.size()});
  if (!code)
    return code.error();
  policy.code = std::move(*code);
  auto live = LiveMaps::over(object.manifest, std::move(groundwork->maps));
  if (!live)
    return live.error();
  policy.maps = std::move(*live);
  if (lacksPerfmon())
    policy.warnings.emplace_back("without CAP_PERFMON the kernel masks every memory access of the program");
  return policy;
}

} // namespace xdpc::kernel
