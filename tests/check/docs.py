# docs.py XDPC FILE.md…: every ```xf block that holds a policy compiles without an error, and its tests hold. Blocks that
# hold none (shapes of the grammar) must at least not be empty.
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```xf\n(.*?)^```$", re.M | re.S)


def main(xdpc, *documents):
    failed = run = 0
    for document in documents:
        text = pathlib.Path(document).read_text()
        for match in BLOCK.finditer(text):
            if not re.search(r"^policy ", match[1], re.M):
                continue
            run += 1
            line = text.count("\n", 0, match.start()) + 2
            command = "test" if re.search(r"^test ", match[1], re.M) else "check"
            with tempfile.NamedTemporaryFile("w", suffix=".xf") as file:
                file.write(match[1])
                file.flush()
                done = subprocess.run([xdpc, command, file.name], capture_output=True, text=True)
            if done.returncode != 0:
                failed += 1
                print(f"--- {document}:{line}: xdpc {command}: exit {done.returncode}", done.stdout, done.stderr, sep="\n")
    print(f"{run} blocks, {failed} failed")
    return 1 if failed or not run else 0


sys.exit(main(*sys.argv[1:]))
