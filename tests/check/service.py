# service.py BUILD XDPC: the unit for systemd is valid, runs commands that there are, and is as closed as documented.
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def main(build, xdpc):
    if not shutil.which("systemd-analyze"):
        print("SKIP: systemd-analyze is not installed")
        return 77
    text = (pathlib.Path(build) / "driver/systemd/xdpc@.service").read_text()
    commands = re.findall(r"^Exec\w+=(\S*/xdpc) (.*)$", text, re.M)
    problems = [] if len(commands) == 3 else [f"three commands are expected, not {commands}"]
    for program, arguments in commands:
        text = text.replace(program, xdpc)
        known = run(xdpc, arguments.split()[0], "--help").stdout
        problems += [f"xdpc {arguments}: no {option}" for option in re.findall(r"--[a-z]+", arguments) if option not in known]
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder) / "xdpc@eth0.service"
        unit.write_text(text)
        verified = run("systemd-analyze", "verify", unit)
        if verified.returncode != 0 or verified.stderr:
            problems.append(verified.stderr)
        security = run("systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", unit)
        if security.returncode != 0:
            problems.append(security.stdout.strip().split("\n")[-1] + security.stderr)
    bounded = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.M)
    if bounded != ["CAP_BPF CAP_NET_ADMIN CAP_PERFMON"]:
        problems.append(f"its capabilities are {bounded}")
    print(*problems, sep="\n")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
