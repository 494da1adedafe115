// The command line: the one table of flags. Entry point: runCli.
#pragma once

namespace xdpc::driver {

// Parses and runs. Gives the exit code.
int runCli(int argc, char** argv);

} // namespace xdpc::driver
