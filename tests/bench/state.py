"""The figures of keyed state: 65,536 keys in no order, against the same by hand over the kernel's maps, in the same run.

By itself: state.py BUILD [--quick] prints the table.
"""

import json
import statistics
import subprocess
import sys
import tempfile

import frames
import sets

POLICY = """%s
policy p {
%s
    default pass
}
"""
BASELINE = "    a: drop when ipv4.src == 192.0.2.7"
METER = "meter m { rate 1 Mpps %s}"
CASES = [
    # what, declaration, rules, the twin's define, times faster that are to be reached
    ("meter, one bucket, against a spin lock", METER % "", "    a: drop when ipv4 over m", "HOT", 15),
    ("meter, one bucket, clock exact", METER % "clock exact ", "    a: drop when ipv4 over m", "HOT", 1),
    ("meter, 65,536 keys, against a spin lock in a hash", METER % "per ipv4.src capacity 128k ", "    a: drop when ipv4 over m",
     "SPIN", 3),
    ("meter, 65,536 keys, against compare-and-swap in an LRU hash", METER % "per ipv4.src capacity 128k ",
     "    a: drop when ipv4 over m", "LRU", 3),
    ("meter, 65,536 keys of either family, against the same", METER % "per ip.src capacity 128k ",
     "    a: drop when ipv4 over m", "LRU", 2),
    ("set, 65,536 elements that end, against an LRU hash", "set s of ip { capacity 128k  timeout 1h }",
     "    a: drop when ip.src in s\n    b: when ipv4 { add ip.src to s }", "SET", 1),
]
QUICK = ("meter, one bucket, against a spin lock", "meter, 65,536 keys, against compare-and-swap in an LRU hash")


def measure(bench, declaration, rules, define):
    elements = sets.hosts4(65536)
    objects = [bench.policy("ours", POLICY % (declaration, rules))[0], bench.policy("none", POLICY % ("", BASELINE))[0],
               bench.compile_c("state", "none_c.o"), bench.compile_c("state", define + ".o", "-D" + define)]
    frame = frames.ipv4("192.0.2.1", 6, frames.tcp(1, 2))
    out = subprocess.run([bench.timer, str(bench.rounds), str(bench.repeat), bench.write("frame", frame),
                          bench.write("keys", elements.keys()), bench.compile_c("rotate", "rotate.o"), *objects],
                         check=True, capture_output=True, text=True)
    ours, none, none_c, theirs = json.loads(out.stdout)["times"]
    return [max(a - b, 0.5) for a, b in zip(ours, none)], [a - b for a, b in zip(theirs, none_c)]


def figures(bench, build):
    """The rows of bench.py."""
    found = sets.Sets(build, bench.folder, bench.quick)
    for what, declaration, rules, define, wanted in CASES:
        if bench.quick and what not in QUICK:
            continue
        mine, theirs = measure(found, declaration, rules, define)
        bench.at_least(what, statistics.median(b / a for a, b in zip(mine, theirs)), wanted,
                       "%.1f and %.1f ns" % (statistics.median(mine), statistics.median(theirs)))


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = sets.Sets(sys.argv[1], folder, "--quick" in sys.argv)
        for what, declaration, rules, define, wanted in CASES:
            mine, theirs = measure(bench, declaration, rules, define)
            ratio = statistics.median(b / a for a, b in zip(mine, theirs))
            print("%-62s %5.1f times (%d wanted): %.1f ns, by hand %.1f" % (
                what, ratio, wanted, statistics.median(mine), statistics.median(theirs)), flush=True)


if __name__ == "__main__":
    main()
