// See capture.h.
#include "runtime/abi/capture.h"

namespace xdpc::abi {

std::optional<uint32_t> mapNamed(const Manifest& manifest, std::string_view name) {
  for (uint32_t i = 0; i < manifest.maps.size(); ++i)
    if (manifest.maps[i].name == name)
      return i;
  return std::nullopt;
}

} // namespace xdpc::abi
