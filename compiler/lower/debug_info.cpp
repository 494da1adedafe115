// Debug info for BTF: functions, lines and maps.
#include "compiler/lower/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>

namespace xdpc::lower {

DebugInfo::DebugInfo(llvm::Module& module, const std::vector<const SourceFile*>& sources)
    : module_(module), builder_(module) {
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  module.addModuleFlag(llvm::Module::Max, "Dwarf Version", 5);
  for (const SourceFile* source : sources)
    files_[source] = builder_.createFile(baseName(source->name()), "", std::nullopt,
                                         llvm::StringRef(source->text().data(), source->text().size()));
  file_ = files_.at(sources.front());
  unit_ = builder_.createCompileUnit(llvm::dwarf::DW_LANG_C11, file_, "xdpc", true, "", 0);
  int_ = builder_.createBasicType("int", 32, llvm::dwarf::DW_ATE_signed);
}

llvm::DIType* DebugInfo::contextType() {
  llvm::DIType* u32 = builder_.createBasicType("unsigned int", 32, llvm::dwarf::DW_ATE_unsigned);
  llvm::SmallVector<llvm::Metadata*> members;
  const char* names[] = {"data", "data_end", "data_meta", "ingress_ifindex", "rx_queue_index", "egress_ifindex"};
  unsigned offset = 0;
  for (const char* name : names) {
    members.push_back(builder_.createMemberType(file_, name, file_, 0, 32, 32, offset, llvm::DINode::FlagZero, u32));
    offset += 32;
  }
  llvm::DIType* context = builder_.createStructType(file_, "xdp_md", file_, 0, offset, 32, llvm::DINode::FlagZero,
                                                    nullptr, builder_.getOrCreateArray(members));
  return builder_.createPointerType(context, 64);
}

void DebugInfo::enterProgram(llvm::Function& function) {
  llvm::DIType* pointer = contextType();
  llvm::Metadata* types[] = {int_, pointer};
  enter(function, builder_.createSubroutineType(builder_.getOrCreateTypeArray(types)), {pointer});
}

void DebugInfo::enterFunction(llvm::Function& function, llvm::ArrayRef<unsigned> argument_bits) {
  llvm::SmallVector<llvm::Metadata*> types = {int_};
  llvm::SmallVector<llvm::DIType*> arguments;
  for (unsigned bits : argument_bits) {
    arguments.push_back(
        builder_.createBasicType(bits == 32 ? "unsigned int" : "unsigned long", bits, llvm::dwarf::DW_ATE_unsigned));
    types.push_back(arguments.back());
  }
  enter(function, builder_.createSubroutineType(builder_.getOrCreateTypeArray(types)), arguments);
}

void DebugInfo::enterContextFunction(llvm::Function& function, unsigned integers) {
  llvm::DIType* u64 = builder_.createBasicType("unsigned long", 64, llvm::dwarf::DW_ATE_unsigned);
  llvm::SmallVector<llvm::DIType*> arguments(integers, u64);
  arguments.insert(arguments.begin(), contextType());
  llvm::SmallVector<llvm::Metadata*> types = {u64};
  types.append(arguments.begin(), arguments.end());
  enter(function, builder_.createSubroutineType(builder_.getOrCreateTypeArray(types)), arguments);
}

void DebugInfo::enterKeyFunction(llvm::Function& function, unsigned words, unsigned integers) {
  llvm::DIType* u64 = builder_.createBasicType("unsigned long", 64, llvm::dwarf::DW_ATE_unsigned);
  llvm::Metadata* range = builder_.getOrCreateSubrange(0, static_cast<int64_t>(words));
  llvm::DIType* key = builder_.createArrayType(uint64_t{words} * 64, 64, u64, builder_.getOrCreateArray({range}));
  llvm::SmallVector<llvm::DIType*> arguments(integers, u64);
  arguments.insert(arguments.begin(), builder_.createPointerType(key, 64));
  llvm::SmallVector<llvm::Metadata*> types = {u64};
  types.append(arguments.begin(), arguments.end());
  enter(function, builder_.createSubroutineType(builder_.getOrCreateTypeArray(types)), arguments);
}

void DebugInfo::enterPointerFunction(llvm::Function& function, unsigned bytes, unsigned integers) {
  llvm::DIType* u64 = builder_.createBasicType("unsigned long", 64, llvm::dwarf::DW_ATE_unsigned);
  llvm::Metadata* range = builder_.getOrCreateSubrange(0, static_cast<int64_t>(bytes / 8));
  llvm::DIType* words = builder_.createArrayType(uint64_t{bytes} * 8, 64, u64, builder_.getOrCreateArray({range}));
  llvm::Metadata* member =
      builder_.createMemberType(file_, "words", file_, 0, bytes * 8, 64, 0, llvm::DINode::FlagZero, words);
  llvm::DIType* key = builder_.createStructType(file_, "key_" + std::to_string(bytes), file_, 0, bytes * 8, 64,
                                                llvm::DINode::FlagZero, nullptr, builder_.getOrCreateArray({member}));
  llvm::SmallVector<llvm::DIType*> arguments(integers, u64);
  arguments.insert(arguments.begin(), builder_.createPointerType(key, 64));
  llvm::SmallVector<llvm::Metadata*> types = {int_};
  types.append(arguments.begin(), arguments.end());
  enter(function, builder_.createSubroutineType(builder_.getOrCreateTypeArray(types)), arguments);
}

void DebugInfo::enter(llvm::Function& function, llvm::DISubroutineType* type, llvm::ArrayRef<llvm::DIType*> arguments) {
  auto flags = llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized;
  subprogram_ = builder_.createFunction(file_, function.getName(), function.getName(), file_, 1, type, 1,
                                        llvm::DINode::FlagPrototyped, flags);
  function.setSubprogram(subprogram_);
  unsigned number = 1;
  for (llvm::DIType* argument : arguments) {
    std::string name = "a" + std::to_string(number);
    builder_.createParameterVariable(subprogram_, name, number++, file_, 1, argument, true);
  }
}

void DebugInfo::setPlace(llvm::IRBuilder<>& builder, Span span) {
  const auto file = files_.find(span.file);
  if (file == files_.end()) {
    if (!builder.getCurrentDebugLocation() ||
        builder.getCurrentDebugLocation()->getScope()->getSubprogram() != subprogram_)
      builder.SetCurrentDebugLocation(llvm::DILocation::get(module_.getContext(), 1, 1, subprogram_));
    return;
  }
  auto place = span.position();
  llvm::DILocalScope* scope = subprogram_;
  if (file->second != file_)
    scope = builder_.createLexicalBlockFile(subprogram_, file->second);
  builder.SetCurrentDebugLocation(llvm::DILocation::get(module_.getContext(), place.line, place.column, scope));
}

llvm::GlobalVariable* DebugInfo::addMap(const abi::Map& map) {
  std::vector<std::pair<const char*, uint32_t>> values = {{"type", map.type}, {"max_entries", map.max_entries}};
  if (map.key_size)
    values.push_back({"key_size", map.key_size});
  if (map.value_size)
    values.push_back({"value_size", map.value_size});
  if (map.flags)
    values.push_back({"map_flags", map.flags});
  llvm::SmallVector<llvm::Metadata*> members;
  unsigned offset = 0;
  for (auto [name, value] : values) {
    llvm::Metadata* range = builder_.getOrCreateSubrange(0, static_cast<int64_t>(value));
    llvm::DIType* array = builder_.createArrayType(uint64_t{value} * 32, 32, int_, builder_.getOrCreateArray({range}));
    llvm::DIType* pointer = builder_.createPointerType(array, 64);
    members.push_back(
        builder_.createMemberType(file_, name, file_, 1, 64, 64, offset, llvm::DINode::FlagZero, pointer));
    offset += 64;
  }
  auto* type = llvm::ArrayType::get(llvm::Type::getInt8Ty(module_.getContext()), offset / 8);
  auto* global = new llvm::GlobalVariable(module_, type, false, llvm::GlobalValue::ExternalLinkage,
                                          llvm::ConstantAggregateZero::get(type), map.name);
  global->setSection(".maps");
  global->setAlignment(llvm::Align(8));
  llvm::DIType* described = builder_.createStructType(unit_, "", file_, 1, offset, 64, llvm::DINode::FlagZero, nullptr,
                                                      builder_.getOrCreateArray(members));
  global->addDebugInfo(builder_.createGlobalVariableExpression(unit_, map.name, "", file_, 1, described, false, true));
  return global;
}

} // namespace xdpc::lower
