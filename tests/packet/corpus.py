# corpus.py XDPC SOURCE: runs policies over all captures of the shared corpus (../shared/corpus beside the checkout) on both
# engines and compares them frame by frame: verdict, rule, and the totals per rule. Needs root and a kernel.
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402

POLICIES = ["examples/syn_counter/syn_counter.xf", "examples/web_edge/web_edge.xf", "tests/packet/corpus.xf"]


def run(xdpc, program, capture, engine):
    done = subprocess.run([xdpc, "run", program, "--pcap", capture, "--json", "--engine", engine],
                          capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def first_difference(vm, kernel):
    for line_vm, line_kernel in zip(vm, kernel):
        if line_vm != line_kernel:
            return f"vm: {line_vm}\n  kernel: {line_kernel}"
    return f"vm: {len(vm)} lines, kernel: {len(kernel)}"


def compare(xdpc, program, capture):
    """The problem or None; the number of frames; whether the capture was refused (not Ethernet, broken) by both."""
    code_vm, vm, errors_vm = run(xdpc, program, capture, "vm")
    code_kernel, kernel, errors_kernel = run(xdpc, program, capture, "kernel")
    if vm != kernel or code_vm != code_kernel:
        return f"{first_difference(vm, kernel)}\n  {errors_vm}{errors_kernel}", 0, False
    if code_vm not in (0, 1):
        return f"exit {code_vm}: {errors_vm}", 0, False
    frames = json.loads(vm[-1])["frames"] if vm else 0
    if vm and json.loads(vm[-1])["schema"] != 1:
        return "no schema", 0, False
    return None, frames, code_vm == 1


def main(xdpc, source):
    machine.require("kernel")
    corpus = pathlib.Path(source).parent / "shared" / "corpus" / "captures.tar.xz"
    if not corpus.is_file():
        print("skip corpus: no ../shared/corpus/captures.tar.xz beside the checkout")
        return machine.SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(corpus) as archive:
            archive.extractall(folder)
        captures = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.startswith((".pcap", ".cap")))
        failed = 0
        pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        for policy in POLICIES:
            program = f"{folder}/policy.o"  # compiled once
            subprocess.run([xdpc, "build", f"{source}/{policy}", "-o", program], check=True, stderr=subprocess.DEVNULL)
            total = refused = 0
            results = pool.map(lambda capture: compare(xdpc, program, capture), captures)  # noqa: B023
            for capture, (problem, frames, was_refused) in zip(captures, results):
                total += frames
                refused += was_refused
                if problem:
                    failed += 1
                    print(f"{policy} over {capture.relative_to(folder)}: {problem}")
            print(f"{policy}: {len(captures)} captures, {total} frames, {refused} refused by both engines")
        print(f"{failed} differ")
    return 1 if failed or not captures else 0


sys.exit(main(*sys.argv[1:]))
