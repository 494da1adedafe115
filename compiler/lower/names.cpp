// The names that a header has where the parser meets it. Tested by tests/packet/tunnels and tests/packet/headers.
#include "compiler/lower/condition.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/options.h"
#include "compiler/lower/value.h"
#include "compiler/lower/walk.h"

namespace xdpc::lower {
namespace {

class NameLowering {
public:
  NameLowering(Builder& b, Packet& packet, const HeaderValue& value) : b(b), packet_(packet), value_(value) {}

  void run(ir::HeaderId id) {
    bindLater(id);
    bindParts(id, value_);
    if (b.noted.contains(id))
      takeNote(b, b.noted.at(id), value_, isEmptyNote(b, b.noted.at(id)));
    else if (b.program().headers[id].asked)
      packet_.headers.try_emplace(id, value_); // a name means the first such header
  }

private:
  // `vlan.inner.vlan` at the second tag: what it is behind is known already.
  void bindLater(ir::HeaderId of) {
    const Packet before = packet_;
    const auto& headers = b.policy().headers;
    for (ir::HeaderId id = 0; id < headers.size(); ++id) {
      if (headers[id].kind != ir::HeaderKind::later || headers[id].of != of || !b.program().headers[id].asked)
        continue;
      const auto after = before.headers.find(headers[id].after);
      if (after == before.headers.end() || (before.headers.contains(id) && !b.noted.contains(id)))
        continue;
      HeaderValue value = value_;
      value.present = presentOf(b, after->second);
      bindParts(id, value);
      know(id, value, b.noted.contains(id) ? isEmptyNote(b, b.noted.at(id)) : nullptr);
    }
  }

  void bindParts(ir::HeaderId of, const HeaderValue& value) {
    const auto& headers = b.policy().headers;
    bool has_options = false;
    // Parts belong to the first such header.
    llvm::Value* first = b.noted.contains(of) ? isEmptyNote(b, b.noted.at(of)) : b.u64(1);
    for (ir::HeaderId id = 0; id < headers.size(); ++id) {
      if (headers[id].of != of || !b.program().headers[id].asked ||
          (packet_.headers.contains(id) && !b.noted.contains(id)))
        continue;
      if (headers[id].kind == ir::HeaderKind::part)
        bindPart(id, value, first);
      else if (headers[id].kind == ir::HeaderKind::option)
        has_options = true;
    }
    if (has_options)
      for (const auto& [id, option] : lowerOptions(b, of, value))
        know(id, option, first);
  }

  void know(ir::HeaderId id, const HeaderValue& value, llvm::Value* first) {
    if (b.noted.contains(id))
      takeNote(b, b.noted.at(id), value, first);
    else
      packet_.headers[id] = value;
  }

  void bindPart(ir::HeaderId id, const HeaderValue& owner, llvm::Value* first) {
    const ir::Header& part = b.policy().headers[id];
    Packet own = packet_;
    own.headers[part.of] = owner;
    auto *absent = b.block("absent"), *done = b.block("part");
    if (part.when) {
      auto* there = b.block("there");
      lowerCondition(b, own, *part.when, there, absent);
      b.startBlock(there);
    }
    llvm::Value* offset = b.CreateAdd(owner.offset, lowerValue(b, own, *part.start).low);
    // The header is whole; the verifier wants to see it for these bytes, too.
    llvm::Value* base = b.packetAt(offset, part.min_size, absent);
    auto* known = b.GetInsertBlock();
    b.CreateBr(done);
    b.startBlock(absent);
    b.CreateBr(done);
    b.startBlock(done);
    auto merge = [&](llvm::Value* there, llvm::Value* missing) {
      llvm::PHINode* phi = b.CreatePHI(there->getType(), 2);
      phi->addIncoming(there, known);
      phi->addIncoming(missing, absent);
      return phi;
    };
    HeaderValue value{merge(base, owner.base), merge(offset, owner.offset), b.u64(part.min_size), nullptr};
    value.present = merge(b.getTrue(), b.getFalse());
    if (owner.present)
      value.present = b.CreateAnd(value.present, owner.present);
    know(id, value, first);
  }

  Builder& b;
  Packet& packet_;
  const HeaderValue& value_;
};

} // namespace

void bindNames(Builder& b, Packet& packet, ir::HeaderId header, const HeaderValue& value) {
  NameLowering(b, packet, value).run(header);
}

} // namespace xdpc::lower
