// See kernel_errors.h; docs/decisions/0002 says which code stands for what.
#include "driver/kernel_errors.h"

namespace xdpc::driver {

int fail(const kernel::KernelError& error) {
  const bool missing = error.kind == kernel::ErrorKind::no_device || error.kind == kernel::ErrorKind::not_found;
  return fail(missing ? kNoObject : kRefused, kernel::toText(error));
}

int fail(const sets::SetError& error) {
  const std::string text =
      error.fixit.empty() ? error.message : fmt::format("{}: write `{}`", error.message, error.fixit);
  switch (error.kind) {
  case sets::SetError::Kind::bad_element:
    return fail(kUsage, text);
  case sets::SetError::Kind::not_found:
    return fail(kNoObject, text);
  case sets::SetError::Kind::full:
  case sets::SetError::Kind::machine:
    break;
  }
  return fail(kRefused, text);
}

} // namespace xdpc::driver
