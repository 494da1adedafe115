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

std::optional<ObjectFile> read(std::vector<uint8_t> elf, std::optional<abi::Manifest> manifest, const std::string& path,
                               int& code) {
  auto object = object::readObject(elf, std::move(manifest));
  if (!object) {
    code = fail(kWrong, fmt::format("`{}`: {}", path, object.error().message));
    return {};
  }
  return ObjectFile{std::move(*object), std::move(elf)};
}

} // namespace

std::optional<ObjectFile> readObjectOf(const std::string& path, const CompileOptions& options, int& code,
                                       const Planned& planned) {
  const auto text = path == "-" ? Result<std::string, FileError>(std::string()) : readFile(path, kMaxObject);
  if (text && isElf(*text))
    return read({text->begin(), text->end()}, {}, path, code);

  CompileOptions whole = options;
  whole.until = Until::object;
  auto compilation = compile(path, whole, code);
  if (!compilation)
    return {};
  std::optional<std::vector<uint8_t>> bytes;
  std::optional<abi::Manifest> known;
  if (!compilation->emitter.hasErrors())
    bytes = objectOf(*compilation, [&](const abi::Manifest& manifest) {
      if (planned)
        planned(manifest);
      known = manifest;
    });
  const bool right = report(*compilation);
  keepToTheEnd(std::move(compilation));
  if (!right) {
    code = kWrong;
    return {};
  }
  return read(std::move(*bytes), std::move(known), path, code);
}

std::optional<object::Object> objectOfFile(const std::string& path, const CompileOptions& options, int& code,
                                           const Planned& planned) {
  auto file = readObjectOf(path, options, code, planned);
  if (!file)
    return {};
  return std::move(file->object);
}

} // namespace xdpc::driver
