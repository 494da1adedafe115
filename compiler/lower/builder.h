// An IRBuilder that knows BPF: helper calls, the maps of the program, the stack, counters, and what the verifier wants.
// One for each function that is lowered; constructs (meter.cpp, set.cpp …) are functions over it.
#pragma once

#include "compiler/lower/debug_info.h"
#include "compiler/plan/program.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>

namespace xdpc::lower {

// Helpers of uapi/linux/bpf.h that programs call.
enum class BpfHelper : uint32_t {
  map_lookup_elem = 1,
  map_update_elem = 2,
  map_delete_elem = 3,
  ktime_get_ns = 5,
  get_smp_processor_id = 8,
  ringbuf_reserve = 131,
  ringbuf_submit = 132,
  jiffies64 = 118,
  ktime_get_coarse_ns = 160,
  xdp_adjust_head = 44,
  redirect_map = 51,
  xdp_get_buff_len = 188,
  xdp_load_bytes = 189,
  cast_to_kernel_context = abi::kCastToKernelContext, // no helper, but called like one
  xdp_store_bytes = 190,
};

// Globals of the module that stand for maps.
struct Globals {
  std::map<uint32_t, llvm::GlobalVariable*> maps; // by index in the manifest; those that the program can name
  // Lookups and meters that became functions, by id.
  std::map<uint32_t, llvm::Function*> const_sets, sets, meters, scans, externs, set_tuples, set_adds, counters;
  std::map<uint32_t, llvm::Function*> inserts;                       // by map
  std::map<uint32_t, llvm::Function*> set_tables, map_tables;        // that give the number of an entry
  std::map<std::pair<ir::HeaderId, size_t>, llvm::Function*> chains; // by owner and group; see chain.h
  std::map<const void*, llvm::Function*> classifiers;                // by view
};

// Bytes of a payload that were found to be there; payload.h opens and closes it.
struct PayloadWindow {
  ir::HeaderId header = 0;
  llvm::Value* base = nullptr; // of the payload's first byte
  uint64_t bytes = 0;
};

class Builder : public llvm::IRBuilder<> {
public:
  Builder(const plan::Program& program, llvm::Module& module, llvm::Function& function, const Globals& globals);

  const plan::Program& program() const { return program_; }
  const ir::Policy& policy() const { return *program_.policy; }
  llvm::Function& function() const { return function_; }
  const Globals& globals() const { return globals_; }

  llvm::BasicBlock* block(const llvm::Twine& name);
  void startBlock(llvm::BasicBlock* next) { SetInsertPoint(next); }

  llvm::Value* call(BpfHelper helper, llvm::ArrayRef<llvm::Value*> arguments);
  llvm::Value* map(uint32_t index) const { return globals_.maps.at(index); }
  // The value, but the optimizer cannot see where it comes from. Keeps a checked pointer the one that is used (the
  // verifier follows registers, not sums), and additions from becoming ORs, whose bounds it rounds up.
  llvm::Value* opaque(llvm::Value* value);
  llvm::Value* pinned(llvm::Value* value); // opaque, and stays where it is
  // 1 if left < right, else 0 (i64), of numbers below 2^63, without a branch: a branch would double the states that the
  // verifier walks behind it.
  llvm::Value* isLess(llvm::Value* left, llvm::Value* right) { return CreateLShr(opaque(CreateSub(left, right)), 63); }
  // The value, of which the verifier is to know no more than that it has no other bits than `mask`. Where several ways
  // meet, their states are then the same to it, and it goes on with one.
  llvm::Value* forgotten(llvm::Value* value, uint64_t mask);
  // A buffer on the stack, at least this large, that the next caller may overwrite.
  llvm::Value* scratch(unsigned bytes);

  // Zero bytes on the stack for one purpose, whoever lowers for it.
  llvm::Value* zeroed(uint32_t purpose, unsigned bytes);

  // Loads that say they are aligned: BPF's back end splits others into bytes, and the machines we run on need none of
  // it.
  llvm::Value* loadAt(llvm::Value* base, uint64_t offset, unsigned bytes, const llvm::Twine& name = "");
  void storeAt(llvm::Value* base, uint64_t offset, llvm::Value* value);
  llvm::Value* at(llvm::Value* base, uint64_t offset) {
    return offset ? CreateConstGEP1_64(getInt8Ty(), base, offset) : base;
  }
  llvm::Value* at(llvm::Value* base, llvm::Value* offset) { return CreateGEP(getInt8Ty(), base, offset); }

  llvm::Value* config(unsigned offset, unsigned bytes); // a field of abi::Config, known to the verifier
  llvm::Value* hasMode(abi::Mode mode);                 // i1
  llvm::Value* testMode() { return hasMode(abi::kModeTest); }
  llvm::Value* now(); // exact clock, i64
  llvm::Value* coarseNow();
  llvm::Value* fromContext(unsigned offset, unsigned test_offset); // a u32 of xdp_md, or of TestState in test mode

  // A number of this policy (i64). In the program it is a constant. A function that is called is told it only when the
  // object is put together (parameter.h), so that the code of functions of the same shape is the same.
  llvm::Value* parameter(const char* name, uint64_t value);

  // This CPU's cell of a slot (i32): a pointer to abi::Cell.
  llvm::Value* cell(llvm::Value* slot);
  llvm::Value* cell(uint32_t slot);
  void countPacket(llvm::Value* slot); // one packet and its bytes
  // A system slot: packets only.
  void countEvent(uint32_t slot) { countUp(cell(slot)); }
  void countEvent(llvm::Value* slot) { countUp(cell(slot)); }

  llvm::Value* u32(uint64_t value) { return getInt32(static_cast<uint32_t>(value)); }
  llvm::Value* u64(uint64_t value) { return getInt64(value); }

  // The frame's first bytes: in the driver's buffer or in a copy (frame.h). The verifier knows the first from compares
  // with data_end, and of the copy that offsets stay below plan::kBufferBytes.
  llvm::Value* context = nullptr; // xdp_md
  llvm::Value* data = nullptr;
  llvm::Value* data_end = nullptr;
  llvm::Value* length = nullptr; // of the whole frame, i64
  llvm::Value* copied = nullptr; // i1: `data` is the copy, and what is written there has to go back into the frame

  // How many bytes a copy of a frame of this length holds (i64): 1 to kCopiedBytes, as the verifier sees by its bits.
  llvm::Value* copiedBytes(llvm::Value* whole);
  // The buffer of the copy; to `gone`, which cannot happen, where the kernel has none. Goes on in a new block.
  llvm::Value* lookUpCopy(llvm::BasicBlock* gone);
  llvm::Value* bound(unsigned offset); // `data` or `data_end` of xdp_md, from the context

  std::vector<PayloadWindow> windows;                              // open ones, the innermost last
  std::map<std::pair<uint32_t, ir::HeaderId>, llvm::Value*> scans; // on the stack: the answer of a scan of a payload
  llvm::AllocaInst* notes = nullptr;                               // on the stack: notes.h
  std::map<ir::HeaderId, unsigned> noted;                          // the notes' numbers; empty without them
  llvm::Value* record = nullptr;                                   // of the event that is being written
  llvm::AllocaInst* payload_key = nullptr;                         // on the stack: 0, the payload buffer's only key

  // A pointer to `bytes` bytes of the frame at `offset` (i64); to `outside` where they are not all there. Goes on in a
  // new block. checkWhole: the same question for a pointer that packetAt gave, and any number of bytes (i64).
  llvm::Value* packetAt(llvm::Value* offset, uint64_t bytes, llvm::BasicBlock* outside);
  void checkWhole(llvm::Value* base, llvm::Value* bytes, llvm::BasicBlock* outside);

private:
  llvm::Value* clock(BpfHelper helper);
  llvm::Value* rowOfCells();
  void countUp(llvm::Value* place);

  const plan::Program& program_;
  llvm::Function& function_;
  const Globals& globals_;
  llvm::AllocaInst* scratch_ = nullptr;
  std::map<uint32_t, llvm::AllocaInst*> zeroed_;
};

} // namespace xdpc::lower
