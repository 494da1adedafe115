# docs.py XDPC FILE.md…: every ```xf block that holds a policy compiles without an error or warning, is laid out as `xdpc fmt`
# does it, and its tests hold.
# "```xf warns=NAME,…" is a block that shows these warnings. Blocks without a policy are shapes of the grammar. "```c FILE",
# "```text FILE" and "```xf FILE" are files that policies can name.
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```xf(?: warns=([a-z,-]+))?\n(.*?)^```$", re.M | re.S)
NAMED = re.compile(r"^```(?:c|text|xf) ([\w.]+)\n(.*?)^```$", re.M | re.S)


def main(xdpc, *documents):
    failed = run = 0
    for document in documents:
        text = pathlib.Path(document).read_text()
        for match in BLOCK.finditer(text):
            if not re.search(r"^policy ", match[2], re.M):
                continue
            run += 1
            line = text.count("\n", 0, match.start()) + 2
            allowed = [f"-Wno-{name}" for name in (match[1] or "").split(",") if name]
            command = "test" if re.search(r"^test ", match[2], re.M) else "check"
            with tempfile.TemporaryDirectory() as folder:
                for name, contents in NAMED.findall(text):
                    (pathlib.Path(folder) / name).write_text(contents)
                policy = pathlib.Path(folder) / "policy.xf"
                policy.write_text(match[2])
                done = subprocess.run([xdpc, command, *allowed, "-Werror", policy], capture_output=True, text=True)
                laid_out = subprocess.run([xdpc, "fmt", "--check", policy], capture_output=True, text=True)
            if laid_out.returncode != 0:
                failed += 1
                print(f"--- {document}:{line}: not laid out as `xdpc fmt` does it", laid_out.stderr, sep="\n")
            if done.returncode != 0:
                failed += 1
                print(f"--- {document}:{line}: xdpc {command}: exit {done.returncode}", done.stdout, done.stderr, sep="\n")
    print(f"{run} blocks, {failed} failed")
    return 1 if failed or not run else 0


sys.exit(main(*sys.argv[1:]))
