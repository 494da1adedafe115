// Completion scripts for shells, from the table of commands and flags itself.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace xdpc::driver {

// `shell` is bash or zsh (which reads bash's).
std::string completionScript(const CLI::App& app, const std::string& shell);

} // namespace xdpc::driver
