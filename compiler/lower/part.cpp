// i32 ipv6_packets(context, data, data_end, length | copied << 32, offset | malformed << 16 | unparsed << 17). Whoever
// jumps there leaves nothing behind that it needs: its registers and its stack are the part's from then on.
#include "compiler/lower/part.h"
#include "compiler/lower/rule.h"

#include <set>

namespace xdpc::lower {
namespace {

constexpr unsigned kLengthBits = 32, kOffsetBits = 10, kMalformedAt = 16, kUnparsedAt = 17;
static_assert(2 * plan::kCopiedBytes <= 1 << kOffsetBits);

// Of LLVM's instructions. Shorter ones are compiled before a thread has started; the jump to longer ones may not reach.
constexpr size_t kLeast = 200, kMost = 10'000;

// What may stand before IP of the outermost packet, and which IP that is.
class BeforeIp {
public:
  explicit BeforeIp(const plan::Program& program) : program_(program) { leadsToIp(0); }

  std::set<ir::HeaderId> headers, ip;

private:
  bool leadsToIp(ir::HeaderId id) {
    if (program_.isIp(id)) {
      ip.insert(id);
      return true;
    }
    const auto [known, fresh] = known_.try_emplace(id, false);
    if (!fresh)
      return known->second;
    bool leads = false;
    for (const ir::PayloadBy& table : program_.policy->headers[id].payload)
      for (const ir::PayloadEntry& entry : table.entries)
        if (const auto next = program_.next(id, entry); next && !entry.tunnel)
          leads |= leadsToIp(*next);
    if (leads)
      headers.insert(id);
    return known_[id] = leads;
  }

  const plan::Program& program_;
  std::map<ir::HeaderId, bool> known_;
};

// The IP whose chain of extension headers makes it the longer one to parse.
std::optional<ir::HeaderId> partHeader(const plan::Program& program) {
  const BeforeIp before(program);
  for (const ir::HeaderId id : before.headers)
    if (id != 0 && program.headers[id].asked)
      return {};
  for (const ir::HeaderId id : before.ip)
    if (before.ip.size() > 1 &&
        std::ranges::any_of(program.policy->headers, [&](const ir::Header& one) { return one.extension_of == id; }))
      return id;
  return {};
}

llvm::Value* bit(Builder& b, llvm::Value* from, unsigned at) {
  return b.CreateAnd(b.CreateLShr(from, at), 1);
}

PartStart unpack(Builder& b) {
  llvm::Function& function = b.function();
  b.context = function.getArg(0);
  b.data = function.getArg(1);
  b.data_end = function.getArg(2);
  llvm::Value *frame = function.getArg(3), *place = function.getArg(4);
  b.length = b.CreateAnd(frame, (uint64_t{1} << kLengthBits) - 1);
  b.copied = b.CreateTrunc(b.CreateLShr(frame, kLengthBits), b.getInt1Ty());
  return {b.CreateAnd(place, (1 << kOffsetBits) - 1), bit(b, place, kMalformedAt), bit(b, place, kUnparsedAt)};
}

} // namespace

bool isPart(const llvm::Function& function) {
  return function.hasHiddenVisibility();
}

std::optional<PartFunction> makePart(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                     const Globals& globals, Presence presence) {
  const auto header = partHeader(program);
  if (!header || presence != Presence::leaves || program.rewrites || !program.policy->externs.empty())
    return {};
  auto& context = module.getContext();
  llvm::Type *pointer = llvm::PointerType::get(context, 0), *u64 = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context), {pointer, pointer, pointer, u64, u64}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage,
                                          program.policy->headers[*header].name + "_packets", module);
  function->setVisibility(llvm::GlobalValue::HiddenVisibility); // tells join
  function->addFnAttr(llvm::Attribute::NoInline);
  function->addFnAttr(llvm::Attribute::NoReturn);
  function->setDoesNotThrow();
  debug.enterContextFunction(*function, 4);
  Builder b(program, module, *function, globals);
  b.startBlock(b.block("entry"));
  debug.setPlace(b, b.policy().span);
  const PartStart start = unpack(b);
  Exit exit = makeExit(b);
  const bool whole =
      lowerParserBehind(b, [&](const Packet& packet) { lowerRules(b, debug, packet, exit); }, *header, start, kMost);
  finishExit(b, exit);
  const size_t size = function->getInstructionCount();
  if (whole && size >= kLeast && size <= kMost)
    return PartFunction{*header, function};
  function->eraseFromParent();
  return {};
}

void callPart(Builder& b, const PartFunction& part, const PartStart& start) {
  llvm::Value* copied = b.CreateShl(b.CreateZExt(b.copied, b.getInt64Ty()), kLengthBits);
  llvm::Value* place = b.CreateOr(start.offset, b.CreateShl(start.malformed, kMalformedAt));
  place = b.CreateOr(place, b.CreateShl(start.unparsed, kUnparsedAt));
  b.CreateCall(part.function, {b.context, b.data, b.data_end, b.CreateOr(b.length, copied), place})->setDoesNotReturn();
  b.CreateUnreachable();
}

} // namespace xdpc::lower
