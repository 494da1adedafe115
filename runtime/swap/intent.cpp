// Writes, pins and distrusts intents. Tested in tests/runtime/instance_test.cpp and tests/live/crash.py.
#include "runtime/swap/intent.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

constexpr uint64_t kIntentVersion = 1;

} // namespace

Result<Intent> Intent::create(const IntentHead& head, std::span<const IntentDevice> devices) {
  auto map =
      kernel::MappedArray::create("xdpc_intent", static_cast<uint32_t>(sizeof(IntentHead) + devices.size_bytes()));
  if (!map)
    return map.error();
  Intent intent(std::move(*map));
  intent.head() = head;
  intent.head().version = kIntentVersion;
  intent.head().devices = static_cast<uint32_t>(devices.size());
  std::ranges::copy(devices, intent.devices().begin());
  return intent;
}

Result<std::optional<Intent>> openIntent(const std::filesystem::path& path) {
  kernel::Fd fd(bpf_obj_get(path.c_str()));
  if (!fd && errno == ENOENT)
    return std::optional<Intent>();
  if (!fd)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", path.string()), errno);
  auto map = kernel::MappedArray::over(std::move(fd));
  if (!map)
    return map.error();
  const size_t bytes = map->bytes().size();
  Intent intent(std::move(*map));
  if (bytes < sizeof(IntentHead) || intent.head().version != kIntentVersion ||
      intent.head().devices > (bytes - sizeof(IntentHead)) / sizeof(IntentDevice))
    return kernel::KernelError{.kind = kernel::ErrorKind::refused,
                               .message = fmt::format("the pinned intent `{}` cannot be read", path.string())};
  return std::optional(std::move(intent));
}

Result<Done> Intent::pin(const Folder& folder) const {
  if (bpf_obj_pin(map_.fd().get(), folder.intent().c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", folder.intent().string()), errno);
  return Done{};
}

std::span<IntentDevice> Intent::devices() const {
  return {reinterpret_cast<IntentDevice*>(map_.bytes().data() + sizeof(IntentHead)), head().devices};
}

const IntentDevice* Intent::device(uint32_t ifindex) const {
  const auto found = std::ranges::find(devices(), ifindex, &IntentDevice::ifindex);
  return found == devices().end() ? nullptr : &*found;
}

Result<std::optional<Intent>> pendingIntent(const Folder& folder) {
  return openIntent(folder.intent());
}

Result<Done> closeIntent(const Folder& folder) {
  if (std::rename(folder.intent().c_str(), folder.devices().c_str()) != 0 && errno != ENOENT)
    return kernel::systemError(fmt::format("cannot rename `{}`", folder.intent().string()), errno);
  return Done{};
}

Result<Done> dropIntent(const Folder& folder) {
  return removePin(folder.intent());
}

std::string rememberedName(const Folder& folder, uint32_t ifindex) {
  const auto intent = openIntent(folder.devices());
  const IntentDevice* device = intent && *intent ? (*intent)->device(ifindex) : nullptr;
  if (!device || device->name[0] == '\0')
    return fmt::format("#{}", ifindex);
  return {device->name, strnlen(device->name, sizeof device->name)};
}

} // namespace xdpc::swap
