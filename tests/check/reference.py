# reference.py [--bless] XDPC SOURCE: the generated pages in docs/ are what `xdpc reference` prints. `./dev bless`
# rewrites them.
import pathlib
import subprocess
import sys

PAGES = ("fields", "diagnostics", "stdlib")


def main(arguments):
    bless = arguments[:1] == ["--bless"]
    xdpc, source = arguments[1:] if bless else arguments
    problems = 0
    for page in PAGES:
        path = pathlib.Path(source) / "docs" / f"{page}.md"
        printed = subprocess.run([xdpc, "reference", page], capture_output=True, text=True, check=True).stdout
        if bless:
            path.write_text(printed)
        elif not path.is_file() or path.read_text() != printed:
            print(f"{path} is not what `xdpc reference {page}` prints: ./dev bless")
            problems += 1
    return 1 if problems else 0


sys.exit(main(sys.argv[1:]))
