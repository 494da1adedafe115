# cli.py SOURCE: docs/cli.md and the --help goldens (which a lit test compares with the program) name the same options of
# the same commands.
import pathlib
import re
import sys

OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z][a-z-]*)")
COMMON = {"-h", "--help", "--version"}
TARGET = {"--dev", "--netns", "--bpffs"}  # described once, for all commands on live interfaces
LINE = re.compile(r"^    xdpc ([a-z]+(?: (?:add|del|list|replace|load|flush)(?= ))?) ?(.*)$", re.M)


def documented(text):
    """Options by command, from the lines that show how a command is written."""
    commands = {}
    for command, rest in LINE.findall(text):
        commands.setdefault(command, set()).update(OPTION.findall(rest))
    return commands


def main(source):
    text = (pathlib.Path(source) / "docs/cli.md").read_text()
    commands = documented(text)
    problems = []
    for golden in sorted((pathlib.Path(source) / "tests/lit/inputs/help").glob("*.txt")):
        command = golden.stem.replace("_", " ")
        if command in ("xdpc", "set", "version"):
            continue
        lines = [line for line in golden.read_text().splitlines() if line.startswith("  -")]
        real = {option for line in lines for option in OPTION.findall(line.split("  ")[1])} - COMMON
        told = {"-W" if option.startswith("-W") else option for option in commands.get(command, set())}
        if command not in commands:
            problems.append(f"docs/cli.md does not show how `xdpc {command}` is written")
        missing = {option for option in real - told - TARGET if f"`{option}" not in text and f" {option}" not in text}
        problems += [f"docs/cli.md does not name {option} of `xdpc {command}`" for option in sorted(missing)]
        problems += [f"docs/cli.md names {option} of `xdpc {command}`, which has none" for option in sorted(told - real)]
    print(*problems, sep="\n")
    return 1 if problems else 0


sys.exit(main(sys.argv[1]))
