// Makes ledgers and distrusts those it finds. Tested in tests/runtime/carry_test.cpp.
#include "runtime/swap/ledger.h"

#include <algorithm>
#include <cstring>

namespace xdpc::swap {
namespace {

// A kept generation may be returned to with other names than it was attached with.
constexpr size_t kLeastText = 1024;

size_t cellsEnd(uint64_t slots) {
  return sizeof(LedgerHead) + slots * sizeof(abi::Cell);
}

} // namespace

Result<Ledger> Ledger::create(size_t slots, const std::string& resets) {
  const size_t bytes = cellsEnd(slots) + std::max(kLeastText, resets.size());
  auto map = kernel::MappedArray::create("xdpc_ledger", static_cast<uint32_t>(bytes));
  if (!map)
    return map.error();
  Ledger ledger(std::move(*map));
  ledger.head().version = kLedgerVersion;
  ledger.head().slots = slots;
  ledger.setResets(resets);
  return ledger;
}

Result<Ledger> Ledger::over(kernel::Fd fd) {
  auto map = kernel::MappedArray::over(std::move(fd));
  if (!map)
    return map.error();
  const kernel::KernelError bad{.kind = kernel::ErrorKind::refused, .message = "the pinned ledger cannot be read"};
  const size_t bytes = map->bytes().size();
  if (bytes < sizeof(LedgerHead))
    return bad;
  Ledger ledger(std::move(*map));
  const LedgerHead& head = ledger.head();
  if (head.version != kLedgerVersion || head.slots > bytes / sizeof(abi::Cell) || cellsEnd(head.slots) > bytes ||
      head.text_bytes > bytes - cellsEnd(head.slots) || ledger.state() > LedgerState::carrying_counts)
    return bad;
  return ledger;
}

std::span<abi::Cell> Ledger::origins() const {
  return {reinterpret_cast<abi::Cell*>(map_.bytes().data() + sizeof(LedgerHead)), head().slots};
}

std::span<uint8_t> Ledger::text() const {
  return map_.bytes().subspan(cellsEnd(head().slots));
}

std::string Ledger::resets() const {
  return {reinterpret_cast<const char*>(text().data()), head().text_bytes};
}

void Ledger::setResets(const std::string& resets) const {
  head().text_bytes = std::min(resets.size(), text().size());
  std::memcpy(text().data(), resets.data(), head().text_bytes);
}

} // namespace xdpc::swap
