// Walks a map that may change under the walk. Tested by tests/unit/state/scan_test.cpp.
#include "runtime/engine/scan.h"

#include <string_view>
#include <unordered_set>

namespace xdpc::engine {
namespace {

// The kernel starts again at the first key when the one that it is asked to go on from was removed. As many times over
// may a walk meet what it has already.
constexpr size_t kMaxPasses = 16;

std::string_view view(const abi::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

Result<std::vector<abi::Bytes>, MapError> keys(const Maps& maps, uint32_t map) {
  std::vector<abi::Bytes> found;
  std::unordered_set<std::string> seen;
  std::optional<abi::Bytes> cursor;
  size_t met_again = 0;
  for (;;) {
    auto next = maps.next(map, cursor ? std::optional<std::span<const uint8_t>>(*cursor) : std::nullopt);
    if (!next)
      return next.error();
    if (!*next)
      return found;
    cursor = std::move(**next);
    if (seen.emplace(view(*cursor)).second)
      found.push_back(*cursor);
    else if (++met_again > kMaxPasses * found.size())
      return found;
  }
}

} // namespace xdpc::engine
