// A swap of the running policy for itself. Tested by tests/live/set_replace.py.
#include "runtime/swap/contents.h"

#include "runtime/swap/attach.h"
#include "runtime/swap/open.h"

#include <cerrno>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

// How often it is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

Result<std::vector<std::string>> replaceOnce(const Target& target, const SetContents& contents) {
  const auto live = open(target, Access::read);
  if (!live)
    return live.error();
  const auto bytes = readObjectBytes(live->folder, live->number);
  if (!bytes)
    return bytes.error();
  const auto object = object::readObject(*bytes);
  if (!object)
    return kernel::KernelError{.kind = kernel::ErrorKind::refused,
                               .message = fmt::format("the pinned object cannot be read: {}", object.error().message)};
  AttachOptions options;
  options.contents = {&contents, 1};
  options.in_place_of = live->number;
  auto attached = attach(Candidate{*object, std::nullopt, *bytes}, target, options);
  if (!attached)
    return attached.error();
  return std::move(attached->warnings);
}

} // namespace

Result<std::vector<std::string>> replaceSet(const Target& target, const SetContents& contents) {
  for (int attempt = 1;; ++attempt) {
    auto replaced = replaceOnce(target, contents);
    const bool overtaken = !replaced && (replaced.error().code == ESTALE || replaced.error().code == ENOENT);
    if (!overtaken || attempt == kAttempts)
      return replaced;
  }
}

} // namespace xdpc::swap
