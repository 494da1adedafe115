# format.py XDPC SOURCE: every .xf file of the repository is laid out (but those that are wrong on purpose), laying out
# is idempotent and keeps the meaning: the syntax tree before and after is the same.
import pathlib
import subprocess
import sys


LAID_OUT = ("stdlib", "examples", "tests/lit", "tests/packet")  # below these, every file


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True)


def mangled(text):
    """The same policy, badly laid out."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n\n\n".join("\t  " + line for line in lines)


def check(xdpc, source, path):
    text = path.read_text()
    tree = run(xdpc, "check", "--emit=ast", path)
    if tree.returncode != 0:
        return  # wrong on purpose
    for given, what in ((text, "as it is"), (mangled(text), "mangled")):
        once = run(xdpc, "fmt", "--stdin", text=given)
        if once.returncode != 0:
            yield f"{path}: {what}: {once.stderr}"
            continue
        if run(xdpc, "fmt", "--stdin", text=once.stdout).stdout != once.stdout:
            yield f"{path}: {what}: laying out twice gives something else"
        if run(xdpc, "check", "--emit=ast", "-", text=once.stdout).stdout != tree.stdout:
            yield f"{path}: {what}: the tree is another one"
        if given is text and once.stdout != text and str(path.relative_to(source)).startswith(LAID_OUT):
            yield f"{path}: not formatted: xdpc fmt {path}"


def main(xdpc, source):
    listed = run("git", "-c", "safe.directory=*", "-C", source, "ls-files", "*.xf")
    if listed.returncode != 0:
        print("skip git: not a git checkout")
        return 77
    files = [pathlib.Path(source) / name for name in listed.stdout.splitlines()]
    problems = [problem for path in files if path.is_file() for problem in check(xdpc, pathlib.Path(source), path)]
    print(*problems, sep="\n")
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
