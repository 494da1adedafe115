// The `xdpc` command.
#include "driver/cli.h"
#include "driver/output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // a reader that goes away is a write error like a full disk
  const int code = xdpc::driver::runCli(argc, argv);
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return errno == EPIPE ? code : xdpc::driver::fail(xdpc::driver::kRefused, "cannot write to standard output");
  return code;
}
