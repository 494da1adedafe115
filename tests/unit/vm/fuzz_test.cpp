// Programs that no compiler made end with a verdict or an error, never with a crash: random bytes, and random but
// likely instructions. `XDPC_FUZZ_ROUNDS=1000000 unit_vm --gtest_filter=Fuzz*` runs longer.
#include "tests/support/vm_run.h"

#include <random>

namespace xdpc::support {
namespace {

constexpr int kRounds = 4000;

// Other programs in every repetition with --gtest_shuffle, the same ones without.
uint64_t seed() {
  return uint64_t(testing::UnitTest::GetInstance()->random_seed());
}

std::vector<abi::Map> fuzzMaps() {
  return {
      {"h", MapRole::exact, BPF_MAP_TYPE_HASH, 4, 8, 4},    {"l", MapRole::exact, BPF_MAP_TYPE_LRU_HASH, 4, 8, 4},
      {"t", MapRole::trie, BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4}, {"e", MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096},
      {"a", MapRole::scratch, BPF_MAP_TYPE_ARRAY, 4, 5, 7},
  };
}

void runOnce(const object::Object& object) {
  vm::Options options;
  options.instruction_budget = 2000;
  auto engine = vm::load(object, options);
  if (!engine)
    return;
  Bytes frame = someFrame();
  for (int i = 0; i < 3; ++i) {
    auto outcome = (*engine)->run({frame, uint64_t(i)});
    EXPECT_TRUE(outcome || !outcome.error().message.empty());
  }
  EXPECT_TRUE((*engine)->drainEvents([](std::span<const uint8_t>) {}));
}

TEST(Fuzz, RandomBytes) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < kRounds; ++round) {
    Assembly assembly;
    for (unsigned i = 0, count = random() % 40; i < count; ++i) {
      uint64_t bits = random();
      Instruction one;
      std::memcpy(&one, &bits, sizeof(one));
      assembly.add(one);
    }
    object::Object object = makeObject(assembly, fuzzMaps());
    if (random() % 4 == 0)
      object.references = {
          {uint32_t(random() % 50), uint32_t(random() % 8), random() % 2 == 0, uint32_t(random() % 200)}};
    runOnce(object);
  }
}

// Pointers in registers, small offsets, helpers with arguments that are nearly right.
class LikelyProgram {
public:
  explicit LikelyProgram(uint64_t seed) : random_(seed) {}

  Assembly make() {
    Assembly out;
    out.add(load(BPF_W, r6, r1, 0)).add(mov(r7, r1)).add(mov(r8, r10));
    for (unsigned i = 0, count = random_() % 30; i < count; ++i)
      step(out);
    return out.pass();
  }

private:
  Register reg() { return Register(random_() % 11); }
  unsigned size() { return (random_() % 4) << 3; }
  int small() { return int(random_() % 40) - 24; }

  void step(Assembly& out) {
    static constexpr int kHelpers[] = {1, 2, 3, 5, 7, 8, 118, 125, 130, 131, 132, 133, 160, 188, 189, 190, 6};
    switch (random_() % 9) {
    case 0:
      out.mapOf(Register(random_() % 10), uint32_t(random_() % 6));
      break;
    case 1:
      out.valueOf(Register(random_() % 10), 0, uint32_t(random_() % 128));
      break;
    case 2:
      out.add(load(size(), reg(), reg(), small()));
      break;
    case 3:
      out.add(store(size(), reg(), small(), reg()));
      break;
    case 4:
      out.add(atomic(random_() % 2 ? BPF_DW : BPF_W, unsigned(random_() % 16) << 4 | unsigned(random_() % 2), reg(),
                     small(), reg()));
      break;
    case 5:
      arguments(out);
      out.add(call(kHelpers[random_() % std::size(kHelpers)]));
      break;
    case 6:
      out.add(alu64(unsigned(random_() % 14) << 4, reg(), small()));
      break;
    case 7:
      out.add(random_() % 4 ? jump64(BPF_JNE, reg(), small(), small()) : callFunction(small()));
      break;
    default:
      out.add(mov(reg(), reg()));
    }
  }

  void arguments(Assembly& out) {
    if (random_() % 2)
      out.mapOf(r1, uint32_t(random_() % 6));
    else
      out.add(mov(r1, r7));
    out.add(mov(r2, random_() % 2 ? r10 : r6)).add(add(r2, -8));
    out.add(mov(r3, r10)).add(add(r3, -16)).add(mov(r4, small()));
    if (random_() % 2)
      out.add(mov(r2, small())).add(mov(r3, int64_t(random_() % 3)));
  }

  std::mt19937_64 random_;
};

TEST(Fuzz, LikelyPrograms) {
  for (int round = 0; round < kRounds; ++round)
    runOnce(makeObject(LikelyProgram(seed() << 32 | uint64_t(round)).make(), fuzzMaps()));
}

} // namespace
} // namespace xdpc::support
