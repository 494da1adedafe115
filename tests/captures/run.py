# run.py CAPTURES SOURCE [OPTION…]: the program `captures` over the shared corpus (../shared/corpus beside the checkout).
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402


def main(program, source, *options):
    archive = pathlib.Path(source).resolve().parent / "shared" / "corpus" / "captures.tar.xz"
    if not archive.is_file():
        print("skip corpus: no ../shared/corpus/captures.tar.xz beside the checkout")
        return machine.SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
        return subprocess.run([program, folder, *options]).returncode


sys.exit(main(*sys.argv[1:]))
