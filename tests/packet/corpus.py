# corpus.py XDPC SOURCE: runs policies over all captures of the shared corpus (../shared/corpus beside the checkout) on both
# engines and compares them frame by frame: verdict, rule, and the totals per rule. Needs root and a kernel.
#
# The captures are joined to one, oldest first, as loading a policy into the kernel costs more than a thousand frames do.
import bisect
import csv
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402

POLICIES = ["examples/syn_counter/syn_counter.xf", "examples/web_edge/web_edge.xf", "tests/packet/corpus.xf"]
PCAP_HEADER = 24


def xdpc_run(xdpc, program, capture, *options):
    done = subprocess.run([xdpc, "run", program, "--pcap", capture, "--json", *options], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


class Joined:
    """All captures as one, and which frame is whose."""

    def __init__(self, xdpc, folder, frames_by_file):
        self.starts, self.names, self.problems = [], [], []
        passing = folder / "pass.xf"
        passing.write_text("policy pass_all { default pass }\n")
        parts = []
        for name, frames in frames_by_file.items():
            converted = folder / "converted.pcap"
            code, lines, errors = xdpc_run(xdpc, passing, folder / name, "--write-pass", converted)
            total = json.loads(lines[-1]) if lines else {"frames": 0, "skipped": 0}
            if code != 0 or total["frames"] != frames:
                self.problems.append(f"{name}: {total['frames']} frames, {frames} expected: {errors}")
                continue
            data = converted.read_bytes()
            if len(data) > PCAP_HEADER:
                parts.append((struct.unpack_from("<II", data, PCAP_HEADER), name, total["frames"] - total["skipped"], data))
        parts.sort(key=lambda part: part[:2])
        self.count = 0
        self.path = folder / "joined.pcap"
        with open(self.path, "wb") as joined:
            joined.write(parts[0][3][:PCAP_HEADER])
            for _, name, frames, data in parts:
                self.starts.append(self.count)
                self.names.append(name)
                self.count += frames
                joined.write(data[PCAP_HEADER:])

    def whose(self, frame):
        index = bisect.bisect_right(self.starts, frame - 1) - 1
        return f"{self.names[index]}, frame {frame - self.starts[index]}"


def differences(joined, vm, kernel):
    for line_vm, line_kernel in zip(vm, kernel):
        if line_vm != line_kernel:
            frame = json.loads(line_vm).get("frame")
            yield f"{joined.whose(frame) if frame else 'totals'}:\n  vm:     {line_vm}\n  kernel: {line_kernel}"
    if len(vm) != len(kernel):
        yield f"vm: {len(vm)} lines, kernel: {len(kernel)}"


def compare(xdpc, source, policy, folder, joined):
    program = folder / "policy.o"
    subprocess.run([xdpc, "build", f"{source}/{policy}", "-o", program], check=True, stderr=subprocess.DEVNULL)
    code_vm, vm, errors_vm = xdpc_run(xdpc, program, joined.path)
    code_kernel, kernel, errors_kernel = xdpc_run(xdpc, program, joined.path, "--engine", "kernel")
    problems = list(differences(joined, vm, kernel))
    if code_vm or code_kernel or not vm or json.loads(vm[-1])["frames"] != joined.count:
        problems.append(f"exit {code_vm} and {code_kernel}: {errors_vm}{errors_kernel}")
    verdicts = json.loads(vm[-1])["verdicts"] if vm else {}
    print(f"{policy}: {joined.count} frames, {len(problems)} differ, verdicts {verdicts}")
    print(*problems[:10], sep="\n")
    return len(problems)


def main(xdpc, source):
    machine.require("kernel")
    corpus = pathlib.Path(source).resolve().parent / "shared" / "corpus"
    if not (corpus / "captures.tar.xz").is_file():
        print("skip corpus: no ../shared/corpus/captures.tar.xz beside the checkout")
        return machine.SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with tarfile.open(corpus / "captures.tar.xz") as archive:
            archive.extractall(folder)
        with open(corpus / "captures.tsv", newline="") as table:
            frames = {row["file"]: int(row["frames"]) for row in csv.DictReader(table, delimiter="\t")}
        joined = Joined(xdpc, folder, frames)
        print(f"{len(joined.names)} captures with {joined.count} frames that can be run")
        print(*joined.problems, sep="\n")
        failed = len(joined.problems) + sum(compare(xdpc, source, policy, folder, joined) for policy in POLICIES)
    return 1 if failed or joined.count == 0 else 0


sys.exit(main(*sys.argv[1:]))
