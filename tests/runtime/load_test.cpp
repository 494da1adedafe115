// Loading: maps sized for the machine, a frozen configuration, the manifest in a map, refusals translated.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/frozen_bytes.h"
#include "runtime/kernel/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace xdpc::live {
namespace {

using namespace xdpc::support;

TEST(Load, SizesRowsAndSpareEntriesForThisMachine) {
  ObjectMaker maker("p");
  abi::Map counters = arrayMap("counters", abi::MapRole::counters, 64 * 4096, BPF_F_MMAPABLE);
  counters.row_bytes = 4096;
  maker.map(counters);
  maker.map({.name = "a-name.longer/than 15",
             .role = abi::MapRole::exact,
             .type = BPF_MAP_TYPE_LRU_HASH,
             .key_size = 8,
             .value_size = 8,
             .max_entries = 100,
             .spare_per_cpu = 128});
  const auto policy = kernel::loadPolicy(maker.emit({mov(r0, 2), support::exit()}).make(), 0);
  ASSERT_TRUE(ok(policy));
  const uint32_t cpus = libbpf_num_possible_cpus();
  EXPECT_EQ(policy->maps->valueSize(0), cpus * 4096);
  EXPECT_EQ(policy->maps->maxEntries(1), 100 + cpus * 128);
  bpf_map_info info{};
  uint32_t size = sizeof info;
  ASSERT_EQ(bpf_obj_get_info_by_fd(policy->maps->fd(1), &info, &size), 0);
  EXPECT_STREQ(info.name, "a_name.longer_t");
  EXPECT_TRUE(policy->warnings.empty());
}

TEST(Load, TheConfigurationIsFrozenBeforeTheProgramIsVerified) {
  ObjectMaker maker("p");
  const uint32_t config = maker.map(
      arrayMap(".rodata.config", abi::MapRole::config, sizeof(abi::Config), BPF_F_RDONLY_PROG | BPF_F_MMAPABLE));
  // Reads from a number unless this is test mode: the verifier takes it only if it knows the mode.
  maker.loadValue(r1, config);
  maker.emit({load(BPF_W, r1, r1, 4), alu64(BPF_AND, r1, abi::kModeTest), jump64(BPF_JEQ, r1, abi::kModeTest, 2),
              mov(r2, 1), load(BPF_DW, r2, r2, 0)});
  maker.emit({mov(r0, 2), support::exit()});
  const auto policy = kernel::loadPolicy(maker.make(), abi::kModeTest);
  ASSERT_TRUE(ok(policy));
  EXPECT_FALSE(kernel::loadPolicy(maker.make(), 0));
  abi::Config seen{};
  ASSERT_TRUE(policy->maps->read(config, 0, {reinterpret_cast<uint8_t*>(&seen), sizeof seen}));
  EXPECT_EQ(seen.abi, abi::kAbi);
  EXPECT_EQ(seen.mode & ~abi::kModeFragsFlag, abi::kModeTest);
  EXPECT_EQ(seen.rows, unsigned(libbpf_num_possible_cpus()));
  const auto written = policy->maps->write(config, 4, std::array<uint8_t, 4>{});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, EPERM);
}

TEST(Load, TheManifestIsReadBackFromItsMapAndCannotBeChanged) {
  const auto object = counting("described", abi::kPass);
  const auto policy = kernel::loadPolicy(object, 0);
  ASSERT_TRUE(ok(policy));
  const auto text = kernel::readManifestMap(policy->manifest.get());
  ASSERT_TRUE(ok(text));
  EXPECT_EQ(*text, object.manifest_json);
  const uint32_t key = 0;
  std::vector<uint8_t> value(65536);
  EXPECT_EQ(bpf_map_update_elem(policy->manifest.get(), &key, value.data(), BPF_ANY), -EPERM);
}

TEST(Load, ARefusalNamesRuleAndLineAndKeepsTheLog) {
  const auto policy = kernel::loadPolicy(refused(), 0);
  ASSERT_FALSE(policy);
  const auto& error = policy.error();
  EXPECT_EQ(error.kind, kernel::ErrorKind::refused);
  EXPECT_EQ(error.message, "the kernel's verifier refused policy `broken` at rule `bad` (broken.xf:4): "
                           "R2 invalid mem access 'scalar'");
  EXPECT_NE(error.help.find("bug of xdpc"), std::string::npos);
  const std::string path = error.details.substr(error.details.find('/'));
  std::stringstream log;
  log << std::ifstream(path).rdbuf();
  EXPECT_NE(log.str().find("R2 invalid mem access 'scalar'"), std::string::npos) << path;
  EXPECT_NE(log.str().find("processed"), std::string::npos);
}

TEST(Load, BtfThatTheKernelRefusesIsAWarning) {
  auto object = always("p", abi::kPass);
  object.btf = {1, 2, 3, 4};
  const auto policy = kernel::loadPolicy(object, 0);
  ASSERT_TRUE(ok(policy));
  ASSERT_EQ(policy->warnings.size(), 1u);
  EXPECT_NE(policy->warnings[0].find("refused the program's BTF"), std::string::npos) << policy->warnings[0];
}

TEST(Load, AMapThatIsTooLargeIsNamed) {
  ObjectMaker maker("p");
  maker.map({.name = "huge",
             .role = abi::MapRole::exact,
             .type = BPF_MAP_TYPE_HASH,
             .key_size = 8,
             .value_size = 0x7fffffff,
             .max_entries = 0x7fffffff});
  const auto policy = kernel::loadPolicy(maker.emit({mov(r0, 2), support::exit()}).make(), 0);
  ASSERT_FALSE(policy);
  EXPECT_NE(policy.error().message.find("cannot create the map `huge`"), std::string::npos) << failure(policy);
}

} // namespace
} // namespace xdpc::live
