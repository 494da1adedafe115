# golden.py [--bless] FILE COMMAND…: what the command prints and its exit code must be FILE's text. `./dev bless` rewrites.
import difflib
import subprocess
import sys


def main(arguments):
    bless = arguments[:1] == ["--bless"]
    expected_file, *command = arguments[1:] if bless else arguments
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    actual = done.stdout + (f"[exit {done.returncode}]\n" if done.returncode else "")
    if bless:
        with open(expected_file, "w") as file:
            file.write(actual)
        return 0
    with open(expected_file) as file:
        expected = file.read()
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), actual.splitlines(True), expected_file, "printed"))
    return 0 if actual == expected else 1


sys.exit(main(sys.argv[1:]))
