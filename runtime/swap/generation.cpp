// Pins a generation with its program last, and removes it with its program first. Tested in
// tests/runtime/attach_test.cpp and swap_test.cpp.
#include "runtime/swap/generation.h"

#include "runtime/abi/capture.h"
#include "runtime/kernel/frozen_bytes.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <sys/stat.h>

namespace xdpc::swap {
namespace {

namespace fs = std::filesystem;
using kernel::Fd;

Result<Done> pin(int fd, const fs::path& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", path.string()), errno);
  return Done{};
}

kernel::KernelError unreadable(const abi::ManifestError& error) {
  return {.kind = kernel::ErrorKind::refused,
          .message = fmt::format("the pinned policy cannot be read: {}", error.message)};
}

fs::path mapPath(const fs::path& generation, size_t index) {
  return generation / fmt::format("m{}", index);
}

Result<Done> pinObject(const fs::path& path, std::span<const uint8_t> elf) {
  if (elf.empty())
    return Done{};
  const auto map = kernel::createObjectMap(elf);
  if (!map)
    return map.error();
  return pin(map->get(), path / "object");
}

Result<Done> pinAll(const fs::path& path, const kernel::LoadedPolicy& policy, const Ledger& ledger,
                    std::span<const uint8_t> elf) {
  if (mkdir(path.c_str(), 0700) != 0)
    return kernel::systemError(fmt::format("cannot make `{}`", path.string()), errno);
  for (uint32_t i = 0; i < policy.maps->size(); ++i)
    if (auto done = pin(policy.maps->fd(i), mapPath(path, i)); !done)
      return done.error();
  if (auto done = pin(policy.manifest.get(), path / "manifest"); !done)
    return done.error();
  if (auto done = pin(policy.code.get(), path / "code"); !done)
    return done.error();
  if (auto done = pinObject(path, elf); !done)
    return done;
  if (auto done = pin(ledger.fd().get(), path / "ledger"); !done)
    return done.error();
  // Last, as a generation is known by its program.
  return pin(policy.program.get(), path / "prog");
}

void sharePins(const Folder& folder, const fs::path& path) {
  shareAsFolder(folder, path);
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(path, failure))
    shareAsFolder(folder, entry.path());
}

} // namespace

Result<Fd> openPin(const fs::path& path) {
  Fd fd(bpf_obj_get(path.c_str()));
  if (!fd && (errno == EACCES || errno == EPERM)) {
    LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
    fd = Fd(bpf_obj_get_opts(path.c_str(), &options));
  }
  if (!fd)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", path.string()), errno);
  return fd;
}

fs::path generationPath(const Folder& folder, uint32_t number) {
  return folder.path / fmt::format("g{}", number);
}

std::vector<uint32_t> generations(const Folder& folder) {
  std::vector<uint32_t> numbers;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder.path, failure)) {
    const std::string name = entry.path().filename();
    const char* const end = name.data() + name.size();
    uint32_t number = 0;
    if (name[0] != 'g')
      continue;
    const auto parsed = std::from_chars(name.data() + 1, end, number);
    if (parsed.ec == std::errc{} && parsed.ptr == end)
      numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<Done> pinGeneration(const Folder& folder, uint32_t number, const kernel::LoadedPolicy& policy,
                           const Ledger& ledger, std::span<const uint8_t> elf) {
  auto done = pinAll(generationPath(folder, number), policy, ledger, elf);
  if (!done)
    (void)removeGeneration(folder, number);
  else
    sharePins(folder, generationPath(folder, number));
  return done;
}

Result<Done> removeGeneration(const Folder& folder, uint32_t number) {
  std::error_code failure;
  const fs::path path = generationPath(folder, number);
  // The program first: what is left of a removal that was cut short is then no generation of anything that runs.
  fs::remove(path / "prog", failure);
  fs::remove_all(path, failure);
  if (failure)
    return kernel::systemError(fmt::format("cannot remove `{}`", path.string()), failure.value());
  return Done{};
}

Result<Done> pinTrial(const Folder& folder, uint32_t number, const kernel::TrialProgram& trial) {
  const fs::path path = generationPath(folder, number);
  if (auto done = pin(trial.array.get(), path / "tail"); !done)
    return done;
  auto done = pin(trial.program.get(), path / "trial");
  sharePins(folder, path);
  return done;
}

Result<Fd> openTrial(const Folder& folder, uint32_t number) {
  return openPin(generationPath(folder, number) / "trial");
}

Result<Fd> openTail(const Folder& folder, uint32_t number) {
  return openPin(generationPath(folder, number) / "tail");
}

Result<Fd> openProgram(const Folder& folder, uint32_t number) {
  return openPin(generationPath(folder, number) / "prog");
}

Result<std::string> readManifestText(const Folder& folder, uint32_t number) {
  auto map = openPin(generationPath(folder, number) / "manifest");
  if (!map)
    return map.error();
  return kernel::readManifestMap(map->get());
}

Result<abi::Manifest> readManifest(const Folder& folder, uint32_t number) {
  auto text = readManifestText(folder, number);
  if (!text)
    return text.error();
  auto manifest = abi::manifestFromJson(*text);
  if (!manifest)
    return unreadable(manifest.error());
  return std::move(*manifest);
}

Result<std::vector<uint8_t>> readObjectBytes(const Folder& folder, uint32_t number) {
  auto map = openPin(generationPath(folder, number) / "object");
  if (!map && map.error().code == ENOENT)
    return kernel::KernelError{.kind = kernel::ErrorKind::not_found,
                               .message = "the running policy was attached by an xdpc that kept no object of it",
                               .help = "attach it anew"};
  if (!map)
    return map.error();
  return kernel::readObjectMap(map->get());
}

Result<Fd> openMap(const Folder& folder, uint32_t number, uint32_t index) {
  return openPin(mapPath(generationPath(folder, number), index));
}

Result<std::unique_ptr<kernel::LiveMaps>> openMaps(const Folder& folder, uint32_t number,
                                                   const abi::Manifest& manifest) {
  std::vector<Fd> maps;
  for (size_t i = 0; i < manifest.maps.size(); ++i) {
    auto map = openMap(folder, number, static_cast<uint32_t>(i));
    if (!map)
      return map.error();
    maps.push_back(std::move(*map));
  }
  return kernel::LiveMaps::over(manifest, std::move(maps));
}

namespace {

// A map as the manifest describes it, but for what depends on the machine.
bool isAsDeclared(const abi::Map& declared, const kernel::LiveMaps& maps, uint32_t index) {
  const bool sized_here = declared.role == abi::MapRole::counters || declared.role == abi::MapRole::cpus;
  const bool fewer_or_more = declared.spare_per_cpu != 0 || declared.name == abi::kFramesMap;
  return maps.type(index) == declared.type && maps.keySize(index) == declared.key_size &&
         (sized_here || (maps.valueSize(index) == declared.value_size &&
                         (fewer_or_more || maps.maxEntries(index) == declared.max_entries)));
}

// The manifest, the maps and the program belong together: nobody has put something else in the place of one.
Result<Done> requireWhole(const Generation& generation) {
  const fs::path path = generationPath(generation.folder, generation.number);
  if (auto trusted = requireTrusted(path); !trusted)
    return trusted;
  const auto& declared = generation.manifest.maps;
  for (uint32_t i = 0; i < declared.size(); ++i)
    if (!isAsDeclared(declared[i], *generation.maps, i))
      return notTrusted(mapPath(path, i).string(),
                        fmt::format("it is not the map `{}` of the manifest", declared[i].name));
  const auto program = openProgram(generation.folder, generation.number);
  if (!program)
    return program.error();
  const auto used = kernel::mapsOfProgram(program->get());
  if (!used)
    return used.error();
  std::vector<uint32_t> pinned;
  for (uint32_t i = 0; i < declared.size(); ++i)
    pinned.push_back(generation.maps->id(i));
  for (const uint32_t id : *used)
    if (std::ranges::find(pinned, id) == pinned.end())
      return notTrusted((path / "prog").string(),
                        fmt::format("its map {} is none of those that are pinned with it", id));
  return Done{};
}

} // namespace

Result<Generation> openGeneration(const Folder& folder, uint32_t number) {
  Generation generation{.folder = folder, .number = number};
  auto text = readManifestText(folder, number);
  if (!text)
    return text.error();
  generation.manifest_json = std::move(*text);
  auto manifest = abi::manifestFromJson(generation.manifest_json);
  if (!manifest)
    return unreadable(manifest.error());
  generation.manifest = std::move(*manifest);
  auto maps = openMaps(folder, number, generation.manifest);
  if (!maps)
    return maps.error();
  generation.maps = std::move(*maps);
  if (auto whole = requireWhole(generation); !whole)
    return whole.error();
  auto ledger = openLedger(folder, number);
  if (!ledger)
    return ledger.error();
  if (*ledger && (*ledger)->head().slots != generation.manifest.slots.size())
    return kernel::KernelError{.kind = kernel::ErrorKind::refused, .message = "the pinned ledger is another policy's"};
  generation.ledger = std::move(*ledger);
  if (generation.ledger) {
    generation.carries = generation.ledger->state() != LedgerState::settled;
    generation.epoch = generation.ledger->epoch();
  }
  return generation;
}

Result<std::optional<Ledger>> openLedger(const Folder& folder, uint32_t number) {
  auto map = openPin(generationPath(folder, number) / "ledger");
  if (!map && map.error().code == ENOENT)
    return std::optional<Ledger>();
  if (!map)
    return map.error();
  auto ledger = Ledger::over(std::move(*map));
  if (!ledger)
    return ledger.error();
  return std::optional(std::move(*ledger));
}

} // namespace xdpc::swap
