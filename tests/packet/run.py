# run.py XDPC ENGINE FOLDER…: `xdpc test` over every policy in the folders, each file by itself. With the engine `kernel`
# it skips where XDP programs cannot be loaded.
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402


def main(xdpc, engine, *folders):
    if engine.startswith("kernel"):
        machine.require("kernel")
    files = sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*.xf"))
    failed, tests = 0, 0
    for path in files:
        done = subprocess.run([xdpc, "test", "--engine", engine, path], capture_output=True, text=True)
        tests += sum(line.startswith("ok ") for line in done.stdout.splitlines())
        if done.returncode != 0 or "\nok 1" not in done.stdout:
            failed += 1
            print(f"--- {path}: exit {done.returncode}", done.stdout, done.stderr, sep="\n")
    print(f"{engine}: {tests} tests passed in {len(files)} files, {failed} files failed")
    return 1 if failed or not files else 0


sys.exit(main(*sys.argv[1:]))
