# install.py BUILD SOURCE: what `cmake --install` lays down works from there, wherever that is: policies, those with C, and
# the documents that the systemd unit names.
import pathlib
import re
import subprocess
import sys
import tempfile


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def main(build, source):
    source = pathlib.Path(source)
    with tempfile.TemporaryDirectory() as folder:
        installed = run("cmake", "--install", build, "--prefix", folder)
        if installed.returncode != 0:
            print(installed.stderr)
            return 1
        root, problems = pathlib.Path(folder), []
        for policy in ("web_edge", "tls_hello"):
            tested = run(root / "bin/xdpc", "test", source / f"examples/{policy}/{policy}.xf")
            if tested.returncode != 0:
                problems.append(f"{policy}: {tested.stdout}{tested.stderr}")
        unit = (root / "lib/systemd/system/xdpc@.service").read_text()
        for document in re.findall(r"^Documentation=file:\S*/(share/\S+)$", unit, re.M):
            if not (root / document).is_file():
                problems.append(f"the unit names {document}, which is not there")
    print(*problems, sep="\n")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
