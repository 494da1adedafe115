// Puts an object together from its ELF file: manifest, linked code, type and line information, licence, configuration.
// Tested by tests/unit/object.
#include "runtime/object/btf.h"
#include "runtime/object/link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::object {
namespace {

constexpr uint64_t kMaxFileSize = 64ull << 20;

using Failure = std::optional<ObjectError>;

Result<const Section*, ObjectError> requiredSection(const ElfFile& elf, const char* name) {
  auto number = elf.find(name);
  if (!number || elf.sections[*number].bytes.empty())
    return ObjectError{fmt::format("no section `{}`: not an object of xdpc", name)};
  return &elf.sections[*number];
}

std::string text(const Section& section) {
  auto* start = reinterpret_cast<const char*>(section.bytes.data());
  return {start, strnlen(start, section.bytes.size())};
}

Failure checkAbi(uint32_t abi) {
  if (abi > abi::kAbi)
    return ObjectError{fmt::format("made by a newer xdpc (ABI {}, this one reads {})", abi, abi::kAbi)};
  if (abi < abi::kAbi)
    return ObjectError{fmt::format("made by an older xdpc (ABI {}, this one reads {})", abi, abi::kAbi)};
  return {};
}

Failure readConfig(const ElfFile& elf, Object& object) {
  auto section = requiredSection(elf, abi::kConfigSection);
  if (!section)
    return section.error();
  if ((*section)->bytes.size() < sizeof(uint32_t))
    return ObjectError{fmt::format("section `{}` is cut short", abi::kConfigSection)};
  std::memcpy(&object.config, (*section)->bytes.data(), std::min((*section)->bytes.size(), sizeof(abi::Config)));
  // The ABI number stands first and before the size, which another ABI may have changed.
  if (auto error = checkAbi(object.config.abi))
    return error;
  if ((*section)->bytes.size() != sizeof(abi::Config))
    return ObjectError{fmt::format("section `{}` has {} bytes instead of {}", abi::kConfigSection,
                                   (*section)->bytes.size(), sizeof(abi::Config))};
  return {};
}

Failure readManifest(const ElfFile& elf, std::optional<abi::Manifest> known, Object& object) {
  auto section = requiredSection(elf, abi::kManifestSection);
  if (!section)
    return section.error();
  object.manifest_json = text(**section);
  if (known) {
    object.manifest = std::move(*known);
    return {};
  }
  auto manifest = abi::manifestFromJson(object.manifest_json);
  if (!manifest)
    return ObjectError{fmt::format("the manifest cannot be read: {}", manifest.error().message)};
  object.manifest = std::move(*manifest);
  return checkAbi(object.manifest.abi);
}

Failure readTables(const ElfFile& elf, Object& object) {
  for (uint32_t i = 0; i < object.manifest.maps.size(); ++i) {
    const abi::Map& map = object.manifest.maps[i];
    if (map.role != abi::MapRole::table)
      continue;
    auto section = requiredSection(elf, map.name.c_str());
    if (!section)
      return section.error();
    if ((*section)->bytes.size() != map.value_size)
      return ObjectError{
          fmt::format("section `{}` has {} bytes instead of {}", map.name, (*section)->bytes.size(), map.value_size)};
    object.tables.push_back({i, {(*section)->bytes.begin(), (*section)->bytes.end()}});
  }
  return {};
}

Failure readTypes(const ElfFile& elf, uint32_t text_start, Object& object) {
  auto btf = elf.find(".BTF");
  if (!btf)
    return {};
  auto completed = completeBtf(elf, elf.sections[*btf].bytes);
  if (!completed)
    return completed.error();
  object.btf = std::move(*completed);
  auto number = elf.find(".BTF.ext");
  if (!number)
    return {};
  auto ext =
      readBtfExt(elf.sections[*number].bytes, object.btf, text_start, object.program.size(), object.manifest.file);
  if (!ext)
    return ext.error();
  object.func_info = std::move(ext->func_info);
  object.line_info = std::move(ext->line_info);
  object.func_info_size = ext->func_info_size;
  object.line_info_size = ext->line_info_size;
  object.lines = std::move(ext->lines);
  return {};
}

// Names in an error come from the file and may hold anything; the error stays one line of plain text.
ObjectError oneLine(ObjectError error) {
  for (char& c : error.message)
    if (c < ' ' || c > '~')
      c = '?';
  return error;
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0)
      close(fd);
  }
};

ObjectError fileError(const std::filesystem::path& path, int code) {
  return {fmt::format("cannot read `{}`: {}", path.string(), strerror(code))};
}

Result<std::vector<uint8_t>, ObjectError> readBytes(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe that nobody writes must not hang.
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (file.fd < 0 || fstat(file.fd, &info) != 0)
    return fileError(path, errno);
  if (!S_ISREG(info.st_mode))
    return ObjectError{fmt::format("`{}` is not a file", path.string())};
  if (info.st_size == 0)
    return ObjectError{fmt::format("`{}` is empty", path.string())};
  if (uint64_t(info.st_size) > kMaxFileSize)
    return ObjectError{fmt::format("`{}` is too large for an object ({} bytes, at most {})", path.string(),
                                   uint64_t(info.st_size), kMaxFileSize)};
  std::vector<uint8_t> bytes(info.st_size);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t got = read(file.fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fileError(path, errno);
    if (got == 0) { // it became shorter since fstat
      bytes.resize(done);
      break;
    }
    done += size_t(got);
  }
  return bytes;
}

} // namespace

static Result<Object, ObjectError> assemble(std::span<const uint8_t> bytes, std::optional<abi::Manifest> manifest) {
  auto elf = readElf(bytes);
  if (!elf)
    return elf.error();
  Object object;
  if (auto error = readConfig(*elf, object))
    return *error;
  if (auto error = readManifest(*elf, std::move(manifest), object))
    return *error;
  if (auto error = readTables(*elf, object))
    return *error;
  auto license = requiredSection(*elf, "license");
  if (!license)
    return license.error();
  object.license = text(**license);
  auto code = linkCode(*elf, object.manifest);
  if (!code)
    return code.error();
  object.program = std::move(code->program);
  object.references = std::move(code->references);
  if (auto error = readTypes(*elf, code->text_start, object))
    return *error;
  return object;
}

Result<Object, ObjectError> readObject(std::span<const uint8_t> bytes, std::optional<abi::Manifest> manifest) {
  auto object = assemble(bytes, std::move(manifest));
  if (!object)
    return oneLine(std::move(object.error()));
  return object;
}

Result<Object, ObjectError> readObjectFile(const std::filesystem::path& path) {
  auto bytes = readBytes(path);
  if (!bytes)
    return bytes.error();
  auto object = readObject(*bytes);
  if (!object)
    return ObjectError{fmt::format("`{}`: {}", path.string(), object.error().message)};
  return object;
}

} // namespace xdpc::object
