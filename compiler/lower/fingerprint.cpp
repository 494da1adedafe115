// Writes the function down in numbers, and hashes those.
#include "compiler/lower/fingerprint.h"
#include "compiler/lower/parameter.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Operator.h>
#include <llvm/Support/xxhash.h>

namespace xdpc::lower {
namespace {

// What a number that follows stands for. Values are written as they are met, so each says what it is.
enum class Mark : uint64_t { local = 1, block, integer, null, undefined, poison, reference, expression, assembly };

class Writer {
public:
  std::optional<Fingerprint> run(const llvm::Function& function) {
    type(function.getFunctionType());
    attributes(function.getAttributes());
    number(function.getCallingConv());
    for (const llvm::Argument& argument : function.args())
      locals_.try_emplace(&argument, locals_.size());
    for (const llvm::BasicBlock& block : function) {
      locals_.try_emplace(&block, locals_.size());
      for (const llvm::Instruction& one : block)
        locals_.try_emplace(&one, locals_.size());
    }
    for (const llvm::BasicBlock& block : function) {
      number(block.size());
      for (const llvm::Instruction& one : block)
        instruction(one);
    }
    if (!known_)
      return {};
    const auto hash = llvm::xxh3_128bits(
        llvm::ArrayRef(reinterpret_cast<const uint8_t*>(words_.data()), words_.size() * sizeof words_[0]));
    result_.hash = {hash.high64, hash.low64};
    return std::move(result_);
  }

private:
  void number(uint64_t value) { words_.push_back(value); }
  void mark(Mark mark) { number(static_cast<uint64_t>(mark)); }

  void text(llvm::StringRef text) {
    number(text.size());
    for (const char c : text)
      number(static_cast<unsigned char>(c));
  }

  void type(const llvm::Type* type) {
    number(type->getTypeID());
    switch (type->getTypeID()) {
    case llvm::Type::IntegerTyID:
      return number(type->getIntegerBitWidth());
    case llvm::Type::PointerTyID:
      return number(type->getPointerAddressSpace());
    case llvm::Type::ArrayTyID:
      number(type->getArrayNumElements());
      break;
    case llvm::Type::FunctionTyID:
    case llvm::Type::StructTyID:
      number(type->getNumContainedTypes());
      break;
    case llvm::Type::VoidTyID:
    case llvm::Type::LabelTyID:
      return;
    default:
      known_ = false;
      return;
    }
    for (const llvm::Type* part : type->subtypes())
      this->type(part);
  }

  // LLVM's text of them is the same for the same attributes.
  void attributes(const llvm::AttributeList& list) {
    number(list.getNumAttrSets());
    for (const unsigned index : list.indexes())
      text(list.getAsString(index));
  }

  void value(const llvm::Value* value) {
    if (const auto local = locals_.find(value); local != locals_.end()) {
      mark(Mark::local);
      return number(local->second);
    }
    if (const auto* integer = llvm::dyn_cast<llvm::ConstantInt>(value)) {
      mark(Mark::integer);
      type(integer->getType());
      for (unsigned word = 0; word < integer->getValue().getNumWords(); ++word)
        number(integer->getValue().getRawData()[word]);
      return;
    }
    if (const auto* global = llvm::dyn_cast<llvm::GlobalValue>(value))
      return reference(global);
    if (const auto* assembly = llvm::dyn_cast<llvm::InlineAsm>(value)) {
      mark(Mark::assembly);
      type(assembly->getFunctionType());
      number(assembly->hasSideEffects());
      text(assembly->getAsmString());
      return text(assembly->getConstraintString());
    }
    if (llvm::isa<llvm::ConstantPointerNull>(value)) {
      mark(Mark::null);
      return type(value->getType());
    }
    if (llvm::isa<llvm::UndefValue>(value)) {
      mark(llvm::isa<llvm::PoisonValue>(value) ? Mark::poison : Mark::undefined);
      return type(value->getType());
    }
    if (const auto* expression = llvm::dyn_cast<llvm::ConstantExpr>(value)) {
      mark(Mark::expression);
      number(expression->getOpcode());
      operation(*expression);
      return operands(*expression);
    }
    known_ = false;
  }

  // A constant's contents are not looked at: volatile loads leave them to the loader.
  void reference(const llvm::GlobalValue* global) {
    const auto [place, fresh] = references_.try_emplace(global, result_.references.size());
    mark(Mark::reference);
    number(place->second);
    if (!fresh)
      return;
    result_.references.push_back(global);
    number(global->getValueID());
    number(global->hasExternalWeakLinkage());
    number(global->getPointerAlignment(global->getParent()->getDataLayout()).value());
    if (const auto* function = llvm::dyn_cast<llvm::Function>(global)) {
      type(function->getFunctionType());
      attributes(function->getAttributes());
      number(function->getIntrinsicID());
      known_ &= function->isIntrinsic() || isCalled(*function); // another may be inlined
    } else if (const auto* variable = llvm::dyn_cast<llvm::GlobalVariable>(global)) {
      number(variable->isConstant());
    }
  }

  // What an instruction and an expression of a constant have in common.
  template <class Operation> void operation(const Operation& one) {
    type(one.getType());
    number(one.getRawSubclassOptionalData());
    if (const auto* element = llvm::dyn_cast<llvm::GEPOperator>(&one))
      type(element->getSourceElementType());
  }

  void operands(const llvm::User& user) {
    number(user.getNumOperands());
    for (const llvm::Value* operand : user.operand_values())
      value(operand);
  }

  void instruction(const llvm::Instruction& one) {
    number(one.getOpcode());
    operation(one);
    operands(one);
    if (one.hasMetadataOtherThanDebugLoc() || one.hasDbgRecords())
      known_ = false;
    details(one);
  }

  void details(const llvm::Instruction& one) {
    if (const auto* alloca = llvm::dyn_cast<llvm::AllocaInst>(&one)) {
      type(alloca->getAllocatedType());
      number(alloca->getAlign().value());
    } else if (const auto* load = llvm::dyn_cast<llvm::LoadInst>(&one)) {
      access(*load);
      ordering(load->getOrdering());
    } else if (const auto* store = llvm::dyn_cast<llvm::StoreInst>(&one)) {
      access(*store);
      ordering(store->getOrdering());
    } else if (const auto* swap = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&one)) {
      access(*swap);
      ordering(swap->getSuccessOrdering());
      ordering(swap->getFailureOrdering());
      number(swap->isWeak());
    } else if (const auto* update = llvm::dyn_cast<llvm::AtomicRMWInst>(&one)) {
      access(*update);
      ordering(update->getOrdering());
      number(update->getOperation());
    } else if (const auto* compare = llvm::dyn_cast<llvm::CmpInst>(&one)) {
      number(compare->getPredicate());
    } else if (const auto* phi = llvm::dyn_cast<llvm::PHINode>(&one)) {
      for (const llvm::BasicBlock* from : phi->blocks())
        value(from);
    } else if (const auto* extract = llvm::dyn_cast<llvm::ExtractValueInst>(&one)) {
      for (const unsigned index : extract->indices())
        number(index);
    } else if (const auto* call = llvm::dyn_cast<llvm::CallInst>(&one)) {
      type(call->getFunctionType());
      attributes(call->getAttributes());
      number(call->getCallingConv());
      number(call->getTailCallKind());
      known_ &= !call->hasOperandBundles();
    } else if (!llvm::isa<llvm::GetElementPtrInst, llvm::BinaryOperator, llvm::CastInst, llvm::SelectInst,
                          llvm::BranchInst, llvm::SwitchInst, llvm::ReturnInst, llvm::UnreachableInst,
                          llvm::FreezeInst>(one)) {
      known_ = false; // whose meaning may be in more than its type and operands
    }
  }

  template <class Access> void access(const Access& one) {
    number(one.getAlign().value());
    number(one.isVolatile());
    number(one.getSyncScopeID());
  }

  void ordering(llvm::AtomicOrdering ordering) { number(static_cast<uint64_t>(ordering)); }

  bool known_ = true;
  std::vector<uint64_t> words_;
  llvm::DenseMap<const llvm::Value*, uint64_t> locals_, references_;
  Fingerprint result_;
};

} // namespace

std::optional<Fingerprint> fingerprint(const llvm::Function& function) {
  return Writer().run(function);
}

} // namespace xdpc::lower
