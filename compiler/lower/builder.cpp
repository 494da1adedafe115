// BPF idioms over IRBuilder.
#include "compiler/lower/builder.h"
#include "compiler/lower/parameter.h"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {

Builder::Builder(const plan::Program& program, llvm::Module& module, llvm::Function& function, const Globals& globals)
    : llvm::IRBuilder<>(module.getContext()), program_(program), function_(function), globals_(globals) {}

llvm::BasicBlock* Builder::block(const llvm::Twine& name) {
  return llvm::BasicBlock::Create(getContext(), name, &function_);
}

llvm::Value* Builder::call(BpfHelper helper, llvm::ArrayRef<llvm::Value*> arguments) {
  llvm::SmallVector<llvm::Type*> types;
  for (llvm::Value* argument : arguments)
    types.push_back(argument->getType());
  bool pointer = helper == BpfHelper::map_lookup_elem || helper == BpfHelper::ringbuf_reserve ||
                 helper == BpfHelper::cast_to_kernel_context;
  llvm::Type* result = pointer ? static_cast<llvm::Type*>(getPtrTy()) : getInt64Ty();
  auto* type = llvm::FunctionType::get(result, types, false);
  auto* target = llvm::ConstantExpr::getIntToPtr(getInt64(static_cast<uint64_t>(helper)), getPtrTy());
  return CreateCall(type, target, arguments);
}

llvm::Value* Builder::opaque(llvm::Value* value) {
  auto* type = llvm::FunctionType::get(value->getType(), {value->getType()}, false);
  return CreateCall(llvm::InlineAsm::get(type, "", "=r,0", false), {value});
}

llvm::Value* Builder::pinned(llvm::Value* value) {
  auto* type = llvm::FunctionType::get(value->getType(), {value->getType()}, false);
  return CreateCall(llvm::InlineAsm::get(type, "", "=r,0", true), {value});
}

llvm::Value* Builder::forgotten(llvm::Value* value, uint64_t mask) {
  llvm::Value* zero = loadAt(map(program_.common.control), offsetof(abi::Control, zero), 8);
  return opaque(CreateAnd(opaque(CreateAdd(value, zero)), mask));
}

llvm::Value* Builder::scratch(unsigned bytes) {
  unsigned words = (bytes + 7) / 8;
  llvm::IRBuilder<> entry(&function_.getEntryBlock(), function_.getEntryBlock().begin());
  if (!scratch_)
    scratch_ = entry.CreateAlloca(entry.getInt64Ty(), entry.getInt64(words), "scratch");
  auto* size = llvm::cast<llvm::ConstantInt>(scratch_->getArraySize());
  if (size->getZExtValue() < words)
    scratch_->setOperand(0, entry.getInt64(words));
  scratch_->setAlignment(llvm::Align(8));
  return scratch_;
}

llvm::Value* Builder::zeroed(uint32_t purpose, unsigned bytes) {
  llvm::AllocaInst*& words = zeroed_[purpose];
  if (!words) {
    llvm::IRBuilder<> entry(&function_.getEntryBlock(), function_.getEntryBlock().begin());
    words = entry.CreateAlloca(llvm::ArrayType::get(getInt64Ty(), (bytes + 7) / 8));
    words->setAlignment(llvm::Align(8));
  }
  for (unsigned offset = 0; offset < bytes; offset += 8)
    storeAt(words, offset, u64(0));
  return words;
}

llvm::Value* Builder::loadAt(llvm::Value* base, uint64_t offset, unsigned bytes, const llvm::Twine& name) {
  return CreateAlignedLoad(getIntNTy(bytes * 8), at(base, offset), llvm::Align(bytes), name);
}

void Builder::storeAt(llvm::Value* base, uint64_t offset, llvm::Value* value) {
  unsigned bytes = value->getType()->getIntegerBitWidth() / 8;
  CreateAlignedStore(value, at(base, offset), llvm::Align(bytes == 8 && offset % 8 ? 4 : bytes));
}

llvm::Value* Builder::config(unsigned offset, unsigned bytes) {
  auto* load = CreateAlignedLoad(getIntNTy(bytes * 8), at(map(program_.common.config), offset), llvm::Align(bytes));
  load->setVolatile(true); // its contents are the loader's, not the initializer's
  return load;
}

llvm::Value* Builder::hasMode(abi::Mode mode) {
  llvm::Value* modes = config(offsetof(abi::Config, mode), 4);
  return CreateICmpNE(CreateAnd(modes, u32(mode)), u32(0));
}

llvm::Value* Builder::clock(BpfHelper helper) {
  auto *test = block("clock.test"), *live = block("clock.live"), *done = block("clock");
  CreateCondBr(testMode(), test, live);
  startBlock(test);
  llvm::Value* given = loadAt(map(program_.common.test), offsetof(abi::TestState, now_ns), 8);
  CreateBr(done);
  startBlock(live);
  llvm::Value* read = call(helper, {});
  CreateBr(done);
  startBlock(done);
  llvm::PHINode* now = CreatePHI(getInt64Ty(), 2, "now");
  now->addIncoming(given, test);
  now->addIncoming(read, live);
  return now;
}

llvm::Value* Builder::now() {
  return clock(BpfHelper::ktime_get_ns);
}
llvm::Value* Builder::coarseNow() {
  return clock(BpfHelper::ktime_get_coarse_ns);
}

llvm::Value* Builder::fromContext(unsigned offset, unsigned test_offset) {
  auto *test = block("context.test"), *live = block("context.live"), *done = block("context");
  CreateCondBr(testMode(), test, live);
  startBlock(test);
  llvm::Value* given = loadAt(map(program_.common.test), test_offset, 4);
  CreateBr(done);
  startBlock(live);
  llvm::Value* read = opaque(loadAt(context, offset, 4)); // the kernel takes no computed address in the context
  CreateBr(done);
  startBlock(done);
  llvm::PHINode* value = CreatePHI(getInt32Ty(), 2);
  value->addIncoming(given, test);
  value->addIncoming(read, live);
  return value;
}

llvm::Value* Builder::parameter(const char* name, uint64_t value) {
  if (!isCalled(function_))
    return u64(value);
  return CreatePtrToInt(parameterSymbol(function_, name, value), getInt64Ty());
}

llvm::Value* Builder::rowOfCells() {
  llvm::Value* cpu = call(BpfHelper::get_smp_processor_id, {});
  llvm::Value* rows = CreateZExt(config(offsetof(abi::Config, rows), 4), getInt64Ty());
  // A loader other than ours may have made fewer rows than there are CPUs: those share the first.
  // Opaque: the compare must bound what is then multiplied.
  llvm::Value* row = opaque(CreateSelect(CreateICmpULT(cpu, rows), cpu, u64(0)));
  llvm::Value* row_offset = opaque(CreateMul(row, parameter("row_bytes", program_.row_bytes)));
  return at(map(program_.common.counters), row_offset);
}

llvm::Value* Builder::cell(llvm::Value* slot) {
  llvm::Value* row = rowOfCells();
  llvm::Value* number = CreateZExt(slot, getInt64Ty());
  // A rule's number out of a table was bounded there, but older verifiers forget that on the way here.
  if (!llvm::isa<llvm::Constant>(slot) && !program_.classifiers.empty()) {
    number = opaque(number);
    number = opaque(CreateSelect(CreateICmpULT(number, u64(program_.manifest.slots.size())), number, u64(0)));
  }
  return at(row, CreateMul(number, u64(sizeof(abi::Cell))));
}

llvm::Value* Builder::cell(uint32_t slot) {
  return at(rowOfCells(), parameter("cell", uint64_t{slot} * sizeof(abi::Cell)));
}

void Builder::countPacket(llvm::Value* slot) {
  llvm::Value* place = cell(slot);
  countUp(place);
  storeAt(place, 8, CreateAdd(loadAt(place, 8, 8), length));
}

void Builder::countUp(llvm::Value* place) {
  storeAt(place, 0, CreateAdd(loadAt(place, 0, 8), u64(1)));
}

llvm::Value* Builder::copiedBytes(llvm::Value* whole) {
  // The smaller of both by arithmetic: a branch would double all states behind it.
  llvm::Value* missing = CreateSub(u64(plan::kCopiedBytes), whole);
  llvm::Value* short_of = opaque(isLess(whole, u64(plan::kCopiedBytes)));
  llvm::Value* bytes = CreateSub(u64(plan::kCopiedBytes), CreateMul(missing, short_of));
  // Older verifiers do not learn from a compare that a number is not zero.
  llvm::Value* bits = opaque(CreateAnd(opaque(CreateSub(bytes, u64(1))), plan::kCopiedBytes - 1));
  return opaque(CreateAdd(bits, u64(1)));
}

llvm::Value* Builder::lookUpCopy(llvm::BasicBlock* gone) {
  auto* found = block("copy");
  llvm::Value* key = scratch(4);
  storeAt(key, 0, u32(0));
  llvm::Value* buffer = call(BpfHelper::map_lookup_elem, {map(program_.common.copy), key});
  CreateCondBr(CreateIsNull(buffer), gone, found);
  startBlock(found);
  return buffer;
}

llvm::Value* Builder::bound(unsigned offset) {
  return CreateIntToPtr(CreateZExt(loadAt(context, offset, 4), getInt64Ty()), getPtrTy());
}

llvm::Value* Builder::packetAt(llvm::Value* offset, uint64_t bytes, llvm::BasicBlock* outside) {
  llvm::Value* base = llvm::isa<llvm::ConstantInt>(offset) ? at(data, offset) : opaque(at(data, offset));
  checkWhole(base, u64(bytes), outside);
  return base;
}

void Builder::checkWhole(llvm::Value* base, llvm::Value* bytes, llvm::BasicBlock* outside) {
  auto* inside = block("inside");
  CreateCondBr(CreateICmpUGT(at(base, bytes), data_end), outside, inside);
  startBlock(inside);
}

} // namespace xdpc::lower
