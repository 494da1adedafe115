// Finds devices in their namespace. Tested in tests/runtime/attach_test.cpp and instance_test.cpp.
#include "runtime/swap/target.h"

#include "runtime/kernel/netns.h"

#include <algorithm>

namespace xdpc::swap {
namespace {

// A device whose very name has commas is taken as it is.
std::vector<std::string> namesIn(const std::string& text) {
  if (text.find(',') == std::string::npos || kernel::findDevice(text))
    return {text};
  std::vector<std::string> names;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

Result<Place> look(const std::string& name) {
  auto device = kernel::findDevice(name);
  if (!device)
    return device.error();
  auto hook = kernel::hookState(*device);
  if (!hook)
    return hook.error();
  return Place{*device, kernel::currentNetns(), *hook};
}

} // namespace

Result<std::vector<Place>> locateAll(const Target& target) {
  auto scope = kernel::NetnsScope::enter(target.netns);
  if (!scope)
    return scope.error();
  std::vector<Place> places;
  for (const std::string& name : namesIn(target.device)) {
    auto place = look(name);
    if (!place)
      return place.error();
    const auto same = [&](const Place& other) { return other.device.ifindex == place->device.ifindex; };
    if (std::ranges::none_of(places, same))
      places.push_back(std::move(*place));
  }
  return places;
}

Result<Place> locate(const Target& target) {
  auto places = locateAll(target);
  if (!places)
    return places.error();
  return std::move(places->front());
}

} // namespace xdpc::swap
