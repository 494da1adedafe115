// See object_of.h.
#include "driver/object_of.h"

#include "driver/compile.h"
#include "driver/file.h"
#include "driver/output.h"

namespace xdpc::driver {

namespace {

constexpr size_t kMaxObject = size_t{256} << 20;

bool isElf(std::string_view text) {
  return text.starts_with("\x7f"
                          "ELF");
}

std::optional<object::Object> read(std::span<const uint8_t> bytes, const std::string& path, int& code) {
  auto object = object::readObject(bytes);
  if (!object) {
    code = fail(kWrong, fmt::format("`{}`: {}", path, object.error().message));
    return {};
  }
  return std::move(*object);
}

} // namespace

std::optional<object::Object> objectOfFile(const std::string& path, const CompileOptions& options, int& code,
                                           const Planned& planned) {
  const auto text = path == "-" ? Result<std::string, FileError>(std::string()) : readFile(path, kMaxObject);
  if (text && isElf(*text))
    return read({reinterpret_cast<const uint8_t*>(text->data()), text->size()}, path, code);

  const auto compilation = compile(path, options, code);
  if (!compilation)
    return {};
  std::optional<std::vector<uint8_t>> bytes;
  if (!compilation->emitter.hasErrors())
    bytes = objectOf(*compilation, planned);
  if (!report(*compilation)) {
    code = kWrong;
    return {};
  }
  return read(*bytes, path, code);
}

} // namespace xdpc::driver
