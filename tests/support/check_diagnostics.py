# check_diagnostics.py XDPC FILE [OPTION…]: `xdpc check` must report exactly what the file's comments announce.
# A comment `# error: MESSAGE [NAME]` (or warning) stands above the line that causes it, several in any order; MESSAGE may be
# a part of the message. `# error 0: …` is for a diagnostic without a line of this file.
import re
import subprocess
import sys

ANNOUNCED = re.compile(r"\s*#\s*(error|warning)( 0)?: (.*?) \[([a-z0-9-]+)\]\s*$")
REPORTED = re.compile(r"(.*?)(?::(\d+):(\d+))?: (error|warning): (.*) \[([a-z0-9-]+)\]$")


def announced(path):
    expected, waiting = [], []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            match = ANNOUNCED.match(line)
            if match and match[2]:
                expected.append((0, match[1], match[3], match[4]))
            elif match:
                waiting.append(match)
            elif waiting:
                expected += [(number, m[1], m[3], m[4]) for m in waiting]
                waiting = []
    return expected


def main(xdpc, path, *options):
    done = subprocess.run([xdpc, "check", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    problems = []
    expected = announced(path)
    for line in done.stderr.splitlines():
        match = REPORTED.match(line)
        if not match:
            continue
        place = int(match[2] or 0) if match[1] == path else 0
        hit = next((e for e in expected if e[0] == place and e[1] == match[4] and e[2] in match[5] and e[3] == match[6]), None)
        if hit:
            expected.remove(hit)
        else:
            problems.append(f"not announced: {line}")
    problems += [f"announced, not reported: line {e[0]}: {e[1]}: {e[2]} [{e[3]}]" for e in expected]
    errors = any(kind == "error" for _, kind, _, _ in announced(path))
    if done.returncode != (1 if errors else 0):
        problems.append(f"exit code {done.returncode}")
    if problems:
        print("\n".join(problems), "\n--- xdpc check printed:", done.stderr, sep="\n")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
