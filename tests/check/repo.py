# repo.py SOURCE: what every file of the repository keeps to: no machine paths, no registry hosts, text only, sizes that a
# mind holds, and a comment at the top that introduces the file.
import pathlib
import re
import subprocess
import sys

MAX_LINES = {".cpp": 600, ".h": 600, ".py": 400, ".xf": 400, ".md": 1200, ".cmake": 200}
MAX_BYTES = 256 * 1024
INTRODUCED = {".cpp": "//", ".h": "//", ".c": "//", ".def": "//", ".py": ("#", '"""'), ".cmake": "#", ".xf": "#", ".sh": "#", ".cfg": "#"}
NAMED = re.compile(r"\btests/[a-z0-9_*/]+(?:\.[a-z]+)?")  # where a comment says that something is tested
BINARY_ALLOWED = {".pcap", ".pcapng"}

HOSTS = re.compile(r"\b(deb|security|snapshot)\.debian\." r"org|npmjs\." r"org|pypi\." r"org|files\.pythonhosted")
MACHINE_PATHS = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root|tmp/build[a-z-]*|home/[a-z]+)/")


def listed(root):
    names = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], capture_output=True, check=True).stdout.decode()
    return [pathlib.Path(name) for name in names.split("\0") if name]


def check(root, path):
    if not (root / path).is_file():
        return
    data = (root / path).read_bytes()
    if len(data) > MAX_BYTES:
        yield f"{path}: {len(data)} bytes, at most {MAX_BYTES}"
    if b"\0" in data:
        if path.suffix not in BINARY_ALLOWED:
            yield f"{path}: a binary file"
        return
    lines = data.decode(errors="replace").splitlines()
    if len(lines) > MAX_LINES.get(path.suffix, 10**9):
        yield f"{path}: {len(lines)} lines, at most {MAX_LINES[path.suffix]}"
    first = next((line for line in lines if line.strip() and not line.startswith("#!")), "")
    if path.suffix in INTRODUCED and lines and not first.lstrip().startswith(INTRODUCED[path.suffix]):
        yield f"{path}:1: no comment that introduces the file"
    for number, line in enumerate(lines, 1):
        if HOSTS.search(line):
            yield f"{path}:{number}: names a registry's host"
        for named in NAMED.findall(line) if path.suffix in (".h", ".cpp", ".md") else ():
            if not list(root.glob(named.rstrip("/").removesuffix("*") + "*")):
                yield f"{path}:{number}: names {named}, which is not there"
        if MACHINE_PATHS.search(line):
            yield f"{path}:{number}: a path of one machine"


def main(source):
    root = pathlib.Path(source)
    if subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "rev-parse"], capture_output=True).returncode != 0:
        print("skip git: not a git checkout")
        return 77
    files = listed(root)
    problems = [problem for path in files for problem in check(root, path)]
    print(*problems, sep="\n")
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
