"""Measures xdpc against the stated figures, each side by side with its baseline: ./dev bench [--quick] [--check] [--write].

Prints a table. --check exits 1 if a figure is missed; --write makes docs/benchmarks.md and its plots; --json FILE keeps
the numbers.
Needs root for BPF_PROG_TEST_RUN and for attaching in a network namespace of its own.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import typing

import classifiers
import frames
import sets
import state
import stream
import wire
from classifiers import families, ruleset

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COPIES = 4  # of each program, see time_programs.cpp
DEVICE = "xt"


@contextlib.contextmanager
def first_in_line():
    """What is started inside: the machine is not always ours alone, and what others do is not what is measured. It is
    started by this process's own class, as what Python runs between fork and exec copies its memory page by page."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Bench:
    def __init__(self, build, folder, quick):
        self.xdpc = os.path.join(build, "driver", "xdpc")
        self.timer = os.path.join(build, "tests", "bench", "time_programs")
        self.folder, self.quick = folder, quick
        self.rounds = 7 if quick else 31
        self.runs = 5 if quick else 25
        self.policy = os.path.join(ROOT, "examples", "web_edge", "web_edge.xf")
        self.rows, self.curves = [], []

    def row(self, what, value, limit, unit, note=""):
        self.rows.append({"figure": what, "value": round(value, 3), "limit": limit, "unit": unit,
                          "ok": value <= limit, "note": note})

    def at_least(self, what, value, limit, note=""):
        """How many times faster than the baseline."""
        self.rows.append({"figure": what, "value": round(value, 1), "limit": limit, "unit": "times", "at_least": True,
                          "ok": value >= limit, "note": note})

    def path(self, name):
        return os.path.join(self.folder, name)

    def compile_c(self, name):
        out = self.path(name + ".o")
        include = "/usr/include/%s-linux-gnu" % platform.machine()
        subprocess.run(["clang-19", "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-I", include, "-c",
                        os.path.join(HERE, "c", name + ".c"), "-o", out], check=True)
        return out

    def build(self, source, name):
        out = self.path(name)
        subprocess.run([self.xdpc, "build", source, "-o", out], check=True, stderr=subprocess.DEVNULL)
        return out

    def times(self, objects, pcap, repeat):
        with devices(DEVICE, COPIES * len(objects)), first_in_line():
            out = subprocess.run([self.timer, str(self.rounds), str(repeat), str(COPIES), DEVICE, pcap, *objects],
                                 check=True, capture_output=True, text=True)
        return json.loads(out.stdout)

    def per_packet(self):
        mix = self.path("mix.pcap")
        frames.write_pcap(mix, frames.passing(32))
        ours, theirs, empty = self.times(
            [self.build(self.policy, "web_edge.xdpc.o"), self.compile_c("web_edge"), self.compile_c("empty")], mix, 100000)
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        self.row("web_edge, passing packets, over hand-written C", ratio, 1.1, "times",
                 "minima %.1f and %.1f ns, empty program %.1f" % (min(ours), min(theirs), min(empty)))
        ours, empty = self.times([self.build(os.path.join(HERE, "empty.xf"), "empty.xdpc.o"), self.path("empty.o")], mix,
                                 100000)
        self.row("empty policy, over an empty program", statistics.median(a - b for a, b in zip(ours, empty)), 1.0, "ns",
                 "minima %.2f and %.2f ns" % (min(ours), min(empty)))

    def command(self, *arguments):
        """Milliseconds from start to end, those of them that it had a CPU, and the process's peak memory in MB."""
        with first_in_line():
            start = time.monotonic()
            process = subprocess.Popen([self.xdpc, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            ms = (time.monotonic() - start) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("bench: `xdpc %s` failed" % " ".join(arguments))
        return Run(ms, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)

    def time_row(self, what, runs, limit):
        self.row(what, statistics.median(run.ms for run in runs), limit, "ms", "minimum %.1f; of a CPU %.1f, minimum %.1f" % (
            min(run.ms for run in runs), statistics.median(run.cpu_ms for run in runs), min(run.cpu_ms for run in runs)))

    def commands(self):
        self.time_row("xdpc check of web_edge", [self.command("check", self.policy) for _ in range(self.runs)], 15)
        memory = max(self.command("build", self.policy, "-o", self.path("x.o")).memory for _ in range(3))
        self.row("peak memory of a compile", memory, 100, "MB")
        self.row("release binary", os.path.getsize(self.xdpc) / 1e6, 40, "MB")

    def rules(self, build, quick):
        """Tables of rules: see classifiers.py."""
        folder = self.path("rules")
        os.mkdir(folder)
        by_size = {}
        for what, value, limit, unit, note in classifiers.figures(classifiers.Classifiers(build, folder, quick), by_size):
            self.row(what, value, limit, unit, note)
        self.curves += classifiers.curves(by_size)

    def attaching(self):
        with bpffs(self.folder) as mount, devices("xb", 2):
            runs, filtering = [], []
            for _ in range(self.runs):
                runs.append(self.command("attach", self.policy, "--dev", "xb0", "--bpffs", mount))
                self.command("detach", "--dev", "xb0", "--bpffs", mount)
                filtering.append(self.until_filtering(mount))
            self.time_row("start to attached, web_edge, whole command", runs, 60)
            self.row("start to the first packet that is filtered, web_edge", statistics.median(filtering), 60, "ms",
                     "minimum %.1f" % min(filtering))
            for count, limit in ((10, 40), (1000, 60), (10_000, 100), (100_000, 1000)):
                if count <= 1000 or not self.quick:
                    self.attaching_rules(mount, count, limit)

    def until_filtering(self, mount):
        """Milliseconds: the kernel filters before it gives the command its link, as it waits for a grace period between."""
        attached = ("--dev", "xb0", "--bpffs", mount)
        with stream.Stream("xb1") as sent:
            start = time.monotonic()
            self.command("attach", self.policy, *attached)
        counted = json.loads(subprocess.run([self.xdpc, "counters", *attached, "--json"], check=True, capture_output=True).stdout)
        self.command("detach", *attached)
        packets = sum(rule["packets"] for rule in counted["rules"].values())
        return (sent.first_of_last(packets) - start) * 1000

    def attaching_rules(self, mount, count, limit):
        policy = self.path("attached.xf")
        with open(policy, "w") as out:
            out.write(ruleset.policy_text(families.rules("acl", count)))
        attach, detach = ("attach", policy, "--dev", "xb0", "--bpffs", mount), ("detach", "--dev", "xb0", "--bpffs", mount)
        attached, swapped, checked = [], [], []
        for _ in range(self.runs if count < 10_000 else min(self.runs, 7) if count < 100_000 else 3):
            attached.append(self.command(*attach))
            swapped.append(self.command(*attach))
            self.command(*detach)
            checked.append(self.command("check", policy))
        self.time_row("start to attached, {:,} rules".format(count), attached, limit)
        if count == 1000:
            self.time_row("swap, 1,000 rules, whole command", swapped, 100)
        if count == 10_000:
            self.time_row("xdpc check of 10,000 rules", checked, 100)
        if count == 100_000:
            self.row("peak memory of attaching 100,000 rules", max(one.memory for one in attached), 600, "MB")

    def replacing(self):
        """All elements of a set, by the whole command: it reads the list, loads the policy over a table that it fills, and swaps."""
        lists = {"IPv4 addresses": ("hosts", sets.hosts4(100_000)), "IPv4 prefixes": ("nets", sets.routes4(100_000))}
        policy, elements = self.path("replaced.xf"), self.path("elements")
        with open(policy, "w") as out:
            out.write("set hosts of ip { capacity 250k }\nset nets of ip.prefix { capacity 250k }\npolicy p {\n"
                      "    host: drop when ip.src in hosts\n    net: drop when ip.src in nets\n    default pass\n}\n")
        with bpffs(self.folder) as mount, devices("xb", 2):
            self.command("attach", policy, "--dev", "xb0", "--bpffs", mount)
            for what, (name, made) in lists.items():
                with open(elements, "w") as out:
                    out.write(made.text())
                replace = ("set", "replace", name, "--file", elements, "--dev", "xb0", "--bpffs", mount)
                self.time_row("set replace of 100,000 %s, whole command" % what, [self.command(*replace) for _ in range(self.runs)], 300)
            self.command("detach", "--dev", "xb0", "--bpffs", mount)


class Run(typing.NamedTuple):
    ms: float
    cpu_ms: float
    memory: float


@contextlib.contextmanager
def bpffs(folder):
    mount = os.path.join(folder, "bpffs")
    os.makedirs(mount, exist_ok=True)
    subprocess.run(["mount", "-t", "bpf", "bpf", mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=False)


@contextlib.contextmanager
def devices(prefix, count):
    """PREFIX0, PREFIX1, … in this process's own network namespace (see run.sh): pairs of veth, up."""
    pairs = [("%s%d" % (prefix, i), "%s%d" % (prefix, i + 1)) for i in range(0, count, 2)]
    for one, other in pairs:
        subprocess.run(["ip", "link", "add", one, "type", "veth", "peer", "name", other], check=True)
        for device in (one, other):
            subprocess.run(["ip", "link", "set", device, "up"], check=True)
    try:
        yield
    finally:
        for one, _ in pairs:
            subprocess.run(["ip", "link", "del", one], check=False)


def table(rows):
    lines = ["| figure | measured | to reach | | |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append("| %s | %s %s | at %s %s | %s | %s |" % (
            row["figure"], row["value"], row["unit"], "least" if row.get("at_least") else "most", row["limit"],
            "yes" if row["ok"] else "**no**", row["note"]))
    return "\n".join(lines) + "\n"


def write(bench):
    """docs/benchmarks.md, its plots, and the numbers behind both."""
    plots = os.path.join(ROOT, "docs", "benchmarks")
    os.makedirs(plots, exist_ok=True)
    for curve in bench.curves:
        curve.draw(os.path.join(plots, curve.name + ".svg"))
    with open(os.path.join(plots, "figures.json"), "w") as out:
        json.dump({"schema": 1, "figures": bench.rows, "curves": {curve.name: curve.series for curve in bench.curves}}, out, indent=1)
        out.write("\n")
    with open(os.path.join(ROOT, "docs", "benchmarks.md"), "w") as out:
        out.write(document(bench.rows))
        for curve in bench.curves:
            out.write("\n![%s](benchmarks/%s.svg)\n" % (curve.title, curve.name))


def document(rows):
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return ("# Benchmarks\n\nMade by `./dev bench --write`. Each figure is the median of interleaved rounds, side by side "
            "with its baseline in one run. The numbers are in [figures.json](benchmarks/figures.json).\n\n%s, %d CPUs, Linux %s, commit %s.\n\n%s" % (
                model, os.cpu_count(), platform.release(), commit.strip(), table(rows)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.build, folder, options.quick)
        bench.per_packet()
        bench.commands()  # while this process is small: a child's peak begins as its parent's
        bench.rules(options.build, options.quick)
        bench.attaching()
        bench.replacing()
        sets.figures(bench, options.build)
        state.figures(bench, options.build)
        wire.figures(bench, options.build)
        if options.write:
            bench.curves.append(sets.Sets(options.build, folder, options.quick).curve())
    print(table(bench.rows), end="")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"schema": 1, "figures": bench.rows}, out, indent=2)
    if options.write:
        write(bench)
    return 1 if options.check and not all(row["ok"] for row in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
