// Strips with LLVM's objcopy library, as `llvm-strip -g` does.
#include "compiler/codegen/strip.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/ObjCopy/ConfigManager.h>
#include <llvm/ObjCopy/ObjCopy.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

namespace xdpc::codegen {

std::vector<uint8_t> stripDebug(llvm::StringRef object) {
  auto keep = [&] { return std::vector<uint8_t>(object.bytes_begin(), object.bytes_end()); };
  auto buffer = llvm::MemoryBuffer::getMemBuffer(object, "", false);
  auto file = llvm::object::ObjectFile::createObjectFile(buffer->getMemBufferRef());
  if (!file) {
    llvm::consumeError(file.takeError());
    return keep();
  }
  llvm::objcopy::ConfigManager config;
  config.Common.StripDebug = true;
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, **file, stream)) {
    llvm::consumeError(std::move(error));
    return keep();
  }
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

} // namespace xdpc::codegen
