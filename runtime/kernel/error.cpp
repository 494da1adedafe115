// Gives errno its words and its kind. Tested in tests/runtime/privilege_test.cpp.
#include "runtime/kernel/error.h"

#include "runtime/kernel/privilege.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::kernel {

KernelError systemError(std::string situation, int code) {
  if (code == EPERM || code == EACCES)
    return privilegeError(std::move(situation), code);
  char buffer[128];
  const char* words = strerror_r(code, buffer, sizeof buffer);
  KernelError error{.code = code, .message = fmt::format("{}: {}", situation, words)};
  if (code == ENODEV || code == ENOLINK)
    error.kind = ErrorKind::device;
  return error;
}

bool isVanished(const KernelError& error) {
  return error.code == ENOLINK || error.code == ENODEV;
}

std::string toText(const KernelError& error) {
  std::string text = error.message;
  if (!error.details.empty())
    text += "\n" + error.details;
  if (!error.help.empty())
    text += "\n" + error.help;
  return text;
}

engine::EngineError toEngineError(const KernelError& error) {
  std::string details = error.details;
  if (!error.help.empty())
    details += (details.empty() ? "" : "\n") + error.help;
  return {error.message, details, error.kind == ErrorKind::privilege};
}

} // namespace xdpc::kernel
