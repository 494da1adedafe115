// What goes wrong between the runtime and the kernel, as a typed value. Every message says the situation first, in one
// lower-case line; `details` holds what is longer, `help` what to do about it. Tested in
// tests/runtime/privilege_test.cpp and wherever a test expects a failure.
#pragma once

#include "runtime/abi/result.h"
#include "runtime/engine/engine.h"

#include <string>

namespace xdpc::kernel {

enum class ErrorKind {
  privilege, // a capability or a file permission is missing
  refused,   // the verifier or another part of the kernel said no
  no_device, // there is no such device (or network namespace)
  device,    // the device cannot do it, or vanished meanwhile
  busy,      // another xdpc is at work, or the device carries somebody else's program
  not_found, // nothing of xdpc's is there
  no_bpffs,
  system, // anything else, see `code`
};

struct KernelError {
  ErrorKind kind = ErrorKind::system;
  int code = 0; // errno, or 0
  std::string message;
  std::string details; // may be empty
  std::string help;    // may be empty
};

template <class T> using KernelResult = Result<T, KernelError>;

// `situation` in words ("cannot create the map `banned`") and errno's own. EPERM and EACCES become a privilege error.
KernelError systemError(std::string situation, int code);

// The device went while it was worked on.
bool isVanished(const KernelError& error);

// `message`, `details` and `help` as lines of one text.
std::string toText(const KernelError& error);

engine::EngineError toEngineError(const KernelError& error);

} // namespace xdpc::kernel
