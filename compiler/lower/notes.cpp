// Writes notes without branches, each of which would double the states that the verifier walks behind it.
#include "compiler/lower/notes.h"
#include "compiler/ir/checksum.h"
#include "compiler/lower/value.h"
#include "compiler/plan/classifier.h"
#include "compiler/plan/visit.h"

#include <set>

namespace xdpc::lower {
namespace {

constexpr uint64_t kMask = plan::kCopiedBytes - 1;

// Of headers that the code has to know.
class Certain {
public:
  explicit Certain(const plan::Program& program) : program_(program), headers_(program.policy->headers) {}

  std::set<ir::HeaderId> run() {
    add(0);
    for (ir::HeaderId id = 0; id < headers_.size(); ++id)
      if (program_.headers[id].united) // its fields are found, and their types known, by which one it is
        add(id);
    for (const plan::Classifier& classifier : program_.classifiers) {
      for (ir::HeaderId atom : classifier.atoms)
        add(atom);
      for (const plan::ClassifierValue& value : classifier.values)
        if (value.header)
          add(*value.header);
    }
    plan::visitActions(*program_.policy, [&](const ir::Action& action) {
      for (ir::HeaderId changed : ir::changedByAssign(*program_.policy, action))
        add(changed);
    });
    return std::move(certain_);
  }

private:
  void add(ir::HeaderId id) {
    if (!certain_.insert(id).second)
      return;
    for (ir::HeaderId alternative : headers_[id].alternatives)
      add(alternative);
    if (headers_[id].kind == ir::HeaderKind::later)
      add(headers_[id].after);
  }

  const plan::Program& program_;
  const std::vector<ir::Header>& headers_;
  std::set<ir::HeaderId> certain_;
};

llvm::Value* noteAt(Builder& b, unsigned note) {
  return b.at(b.notes, uint64_t{note} * 2);
}

llvm::Value* readNote(Builder& b, unsigned note) {
  auto* load = b.CreateAlignedLoad(b.getInt16Ty(), noteAt(b, note), llvm::Align(2));
  load->setVolatile(true); // the optimizer must not see through what the verifier has to forget
  return b.opaque(b.CreateAnd(b.opaque(b.CreateZExt(load, b.getInt64Ty())), kMask));
}

void writeNote(Builder& b, unsigned note, llvm::Value* offset) {
  auto* store = b.CreateAlignedStore(b.CreateTrunc(offset, b.getInt16Ty()), noteAt(b, note), llvm::Align(2));
  store->setVolatile(true);
}

} // namespace

std::map<ir::HeaderId, unsigned> notableHeaders(const plan::Program& program) {
  const std::set<ir::HeaderId> certain = Certain(program).run();
  const auto& headers = program.policy->headers;
  std::set<ir::HeaderId> notable;
  const auto add = [&](ir::HeaderId id) {
    if (!certain.contains(id))
      notable.insert(id);
  };
  for (ir::HeaderId id = 0; id < headers.size(); ++id) {
    if (!program.headers[id].asked || headers[id].kind == ir::HeaderKind::alternatives)
      continue;
    add(id);
    if (headers[id].kind == ir::HeaderKind::part || headers[id].kind == ir::HeaderKind::option)
      add(headers[id].of); // parts belong to the first such header, asked for or not
  }
  std::map<ir::HeaderId, unsigned> numbers;
  for (ir::HeaderId id : notable)
    numbers.emplace(id, numbers.size());
  return numbers;
}

void startNotes(Builder& b, Packet& packet) {
  if (b.noted.empty())
    return;
  llvm::IRBuilder<> entry(&b.function().getEntryBlock(), b.function().getEntryBlock().begin());
  b.notes = entry.CreateAlloca(llvm::ArrayType::get(b.getInt16Ty(), b.noted.size()));
  b.notes->setAlignment(llvm::Align(8));
  llvm::Value* absent = b.forgotten(b.u64(0), kMask);
  for (const auto& [id, note] : b.noted) {
    writeNote(b, note, absent);
    packet.headers[id].note = note;
  }
}

llvm::Value* isEmptyNote(Builder& b, unsigned note) {
  return b.opaque(b.isLess(readNote(b, note), b.u64(1)));
}

void takeNote(Builder& b, unsigned note, const HeaderValue& value, llvm::Value* unless_known) {
  llvm::Value* taken = unless_known;
  if (value.present)
    taken = b.CreateMul(taken, b.opaque(b.CreateZExt(value.present, b.getInt64Ty())));
  llvm::Value* now = b.CreateAdd(readNote(b, note), b.CreateMul(value.offset, taken));
  writeNote(b, note, b.forgotten(now, kMask));
}

llvm::Value* presentOf(Builder& b, const HeaderValue& value) {
  return value.note ? b.CreateICmpNE(readNote(b, *value.note), b.u64(0)) : value.present;
}

llvm::Value* offsetOf(Builder& b, const HeaderValue& value) {
  return value.note ? readNote(b, *value.note) : value.offset;
}

llvm::Value* baseOf(Builder& b, const Packet::Found& found) {
  if (!found.value->note)
    return found.value->base;
  auto* gone = b.block("gone"); // cannot be: it was found there
  llvm::Value* base = b.packetAt(readNote(b, *found.value->note), b.policy().headers[found.id].min_size, gone);
  auto* there = b.GetInsertBlock();
  b.startBlock(gone);
  if (b.record) // the verifier lets no program end while it holds one
    b.call(BpfHelper::ringbuf_submit, {b.record, b.u64(0)});
  b.CreateRet(b.u32(abi::kAborted));
  b.startBlock(there);
  return base;
}

llvm::Value* endOf(Builder& b, const Packet& packet, const Packet::Found& found) {
  const ir::Header& header = b.policy().headers[found.id];
  if (!found.value->note)
    return b.CreateAdd(found.value->offset, found.value->size);
  HeaderValue value{nullptr, readNote(b, *found.value->note), b.u64(header.min_size), nullptr};
  if (!header.size)
    return b.CreateAdd(value.offset, value.size);
  value.base = baseOf(b, found);
  Packet own = packet;
  own.headers[found.id] = value;
  return b.CreateAdd(value.offset, lowerValue(b, own, *header.size).low);
}

} // namespace xdpc::lower
