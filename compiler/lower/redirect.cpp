// Lowers redirects.
#include "compiler/lower/redirect.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

// 2^64 divided by the golden ratio: multiplying by it spreads close numbers.
constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;

llvm::Value* mixed(Builder& b, llvm::Value* hash, llvm::Value* number) {
  llvm::Value* product = b.CreateMul(b.CreateXor(hash, number), b.u64(kSpread));
  return b.CreateXor(product, b.CreateLShr(product, 32));
}

llvm::Value* mixed(Builder& b, llvm::Value* hash, const Value& value) {
  if (value.high)
    hash = mixed(b, hash, value.high);
  return mixed(b, hash, b.CreateZExt(value.low, b.getInt64Ty()));
}

// The hash with the part; without it where the packet lacks its headers.
llvm::Value* withPart(Builder& b, const Packet& packet, llvm::Value* hash, const ir::HashPart& part) {
  for (ir::HeaderId id : part.needs)
    if (!packet.find(b.policy(), id))
      return hash;
  auto *absent = b.block("hash.absent"), *done = b.block("hash");
  lowerNeeds(b, packet, part.needs, absent);
  llvm::Value* with = mixed(b, hash, lowerValue(b, packet, part.value));
  auto* present = b.GetInsertBlock();
  b.CreateBr(done);
  b.startBlock(absent);
  b.CreateBr(done);
  b.startBlock(done);
  llvm::PHINode* result = b.CreatePHI(b.getInt64Ty(), 2);
  result->addIncoming(with, present);
  result->addIncoming(hash, absent);
  return result;
}

llvm::Value* chosenCpu(Builder& b, const Packet& packet, const ir::Redirect& redirect) {
  if (redirect.cpu)
    return b.CreateTrunc(lowerValue(b, packet, *redirect.cpu).low, b.getInt32Ty());
  const std::vector<uint32_t>& cpus = redirect.cpus;
  if (cpus.size() == 1)
    return b.u32(cpus.front());
  llvm::Value* hash = b.u64(0);
  for (const ir::HashPart& part : redirect.hash)
    hash = withPart(b, packet, hash, part);
  // One more round, as the upper bits choose.
  hash = b.CreateLShr(b.CreateMul(hash, b.u64(kSpread)), 32);
  llvm::Value* index = b.CreateLShr(b.CreateMul(hash, b.u64(cpus.size())), 32);
  // Where the CPUs have gaps, each run of them has its own difference between index and number.
  llvm::Value* cpu = b.CreateAdd(index, b.u64(cpus.front()));
  for (size_t i = 1; i < cpus.size(); ++i)
    if (cpus[i] != cpus[i - 1] + 1)
      cpu = b.CreateSelect(b.CreateICmpUGE(index, b.u64(i)), b.CreateAdd(index, b.u64(cpus[i] - i)), cpu);
  return b.CreateTrunc(cpu, b.getInt32Ty());
}

uint32_t mapOf(const plan::Program& program, const ir::Redirect& redirect) {
  switch (redirect.kind) {
  case ir::TargetKind::Device:
    return *program.common.devices;
  case ir::TargetKind::Cpu:
    return *program.common.cpus;
  case ir::TargetKind::Socket:
    break;
  }
  return program.sockets.at(redirect.name);
}

} // namespace

llvm::Value* lowerTarget(Builder& b, const Packet& packet, const ir::Redirect& redirect) {
  switch (redirect.kind) {
  case ir::TargetKind::Device:
    return b.u32(b.program().devices.at(redirect.name));
  case ir::TargetKind::Cpu:
    return chosenCpu(b, packet, redirect);
  case ir::TargetKind::Socket:
    break;
  }
  return b.fromContext(offsetof(xdp_md, rx_queue_index), offsetof(abi::TestState, rx_queue));
}

llvm::Value* lowerRedirect(Builder& b, const ir::Redirect& redirect, llvm::Value* key) {
  const bool socket = redirect.kind == ir::TargetKind::Socket;
  auto *test = b.block("redirect.test"), *live = b.block("redirect.live"), *done = b.block("redirect");
  b.CreateCondBr(b.testMode(), test, live);
  b.startBlock(test);
  // The kinds are in the same order.
  const uint32_t kind = abi::redirectTarget(static_cast<abi::TargetKind>(redirect.kind), 0);
  b.storeAt(b.map(b.program().common.test), offsetof(abi::TestState, target), b.CreateOr(key, b.u32(kind)));
  b.CreateBr(done);
  b.startBlock(live);
  // The flags are the verdict for a key that is not in the map.
  llvm::Value* absent = b.u64(socket ? abi::kPass : abi::kAborted);
  llvm::Value* answer = b.CreateTrunc(
      b.call(BpfHelper::redirect_map, {b.map(mapOf(b.program(), redirect)), key, absent}), b.getInt32Ty());
  b.CreateBr(done);
  b.startBlock(done);
  llvm::PHINode* verdict = b.CreatePHI(b.getInt32Ty(), 2);
  verdict->addIncoming(b.u32(socket ? abi::kPass : abi::kRedirect), test);
  verdict->addIncoming(answer, live);
  return verdict;
}

} // namespace xdpc::lower
