// See completion.h. Tested by tests/lit/cli/completion.test.
#include "driver/completion.h"

#include "compiler/diag/diag.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace xdpc::driver {

namespace {

constexpr const char* kZsh = "autoload -U +X bashcompinit && bashcompinit\n";

constexpr const char* kHead = R"END(# Completion for xdpc; made by `xdpc completion`.
# Of these kinds, in the policies on the devices that --dev names, or on all.
_xdpc_names() {
  local i place=() devices=
  for ((i = 2; i < ${#COMP_WORDS[@]} - 1; i++)); do
    case ${COMP_WORDS[i]} in
    --dev) devices=${COMP_WORDS[i+1]%%,*} ;;
    --netns | --bpffs) place+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}") ;;
    esac
  done
  [ -n "$devices" ] || devices=$("${COMP_WORDS[0]}" list 2>/dev/null | awk 'NR > 1 { print $1 }')
  for i in $devices; do
    "${COMP_WORDS[0]}" show --dev "$i" "${place[@]}" 2>/dev/null | awk -v kinds=" $* " '
      $1 == "rule" || $1 == "state" { part = $1; next }
      part == "rule" && index(kinds, " rule ") || part == "state" && index(kinds, " " $2 " ") { print $1 }'
  done
}
_xdpc() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=
  local command=${COMP_WORDS[1]}
  [ "$command" = set ] && [ "$COMP_CWORD" -gt 2 ] && command="set ${COMP_WORDS[2]}"
  case $before in
  --dev) COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$word")); return ;;
  --netns) COMPREPLY=($(compgen -W "$(ls /run/netns 2>/dev/null)" -- "$word")); return ;;
  --rule) COMPREPLY=($(compgen -W "$(_xdpc_names rule)" -- "$word")); return ;;
  esac
  local names=
  case "$command/$COMP_CWORD" in
  set\ */3) names=$(_xdpc_names set) ;;
  show/2) names="meter counter" ;;
  show/3) names=$(_xdpc_names "$before") ;;
  counters/*) names=$(_xdpc_names rule counter) ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
)END";

constexpr const char* kTail = R"END(    esac
  fi
  COMPREPLY=($(compgen -W "$names $words" -- "$word"))
}
complete -o default -F _xdpc xdpc
)END";

std::vector<const CLI::App*> commandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string warnings() {
  std::string words;
  for (diag::Id id : diag::allIds())
    if (diag::info(id).severity == diag::Severity::warning)
      words += fmt::format(" -Wno-{0} -Werror={0}", diag::info(id).name);
  return words + " -Werror";
}

std::string wordsOf(const CLI::App& command) {
  std::string words;
  for (const CLI::App* inner : commandsOf(command))
    words += " " + inner->get_name();
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames())
      words += " --" + name;
    for (const std::string& name : option->get_snames())
      words += name == "W" ? warnings() : " -" + name;
  }
  return words.empty() ? words : words.substr(1);
}

void addCases(const CLI::App& app, const std::string& prefix, std::string& script) {
  for (const CLI::App* command : commandsOf(app)) {
    const std::string name = prefix + command->get_name();
    script += fmt::format("    \"{}\") words='{}' ;;\n", name, wordsOf(*command));
    addCases(*command, name + " ", script);
  }
}

} // namespace

std::string completionScript(const CLI::App& app, const std::string& shell) {
  std::string script = shell == "zsh" ? kZsh : "";
  script += kHead;
  script += fmt::format("    words='{}'\n  else\n    case $command in\n", wordsOf(app));
  addCases(app, "", script);
  return script + kTail;
}

} // namespace xdpc::driver
