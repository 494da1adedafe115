"""The figures of sets and maps: lookups of 65,536 keys that hit, against the kernel's LPM trie and hash in the same run.

Used by bench.py; by itself: sets.py BUILD [--quick] [--only WORD] prints the table.
"""

import ipaddress
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile

import frames
from curves import Curve

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = 65536


class List:
    """Prefixes as (number, length), and what the kernel's maps take for them."""

    def __init__(self, bits, prefixes):
        self.bits, self.prefixes = bits, prefixes

    def text(self, value=None):
        make = ipaddress.IPv4Address if self.bits == 32 else ipaddress.IPv6Address
        lines = ("%s/%d" % (make(number), length) for number, length in self.prefixes)
        return "".join(line + ("," + str(value(i)) if value else "") + "\n" for i, line in enumerate(lines))

    def packed(self, number):
        return number.to_bytes(self.bits // 8, "big")

    def lpm(self):
        return b"".join(struct.pack("<I", length) + self.packed(number) for number, length in self.prefixes)

    def hash(self):
        return b"".join(self.packed(number) for number, _ in self.prefixes)

    def keys(self, seed=7):
        """Addresses in prefixes of the list."""
        chance = random.Random(seed)
        out = []
        for _ in range(KEYS):
            number, length = chance.choice(self.prefixes)
            out.append(self.packed(number | chance.getrandbits(self.bits - length) if length < self.bits else number))
        return b"".join(key.ljust(16, b"\0") for key in out)


def mask(number, length, bits):
    return number >> (bits - length) << (bits - length)


def routes4(count, seed=1):
    """Lengths and clusters as in a table of the Internet's routes: most are /24, beside each other."""
    chance = random.Random(seed)
    lengths = [24] * 60 + [23] * 10 + [22] * 12 + [21] * 5 + [20] * 5 + [19] * 3 + [18] * 2 + [17] + [16] * 2
    blocks = [chance.randrange(1 << 24, 224 << 24) >> 16 for _ in range(40000)]
    prefixes = set()
    while len(prefixes) < count:
        length = chance.choice(lengths)
        number = chance.choice(blocks) << 16 | chance.getrandbits(16)
        prefixes.add((mask(number, length, 32), length))
    return List(32, sorted(prefixes))


def hosts4(count, seed=2):
    chance = random.Random(seed)
    return List(32, sorted((number, 32) for number in chance.sample(range(1 << 24, 224 << 24), count)))


def routes6(count, seed=3):
    chance = random.Random(seed)
    lengths = [48] * 45 + [32] * 13 + [44] * 8 + [40] * 8 + [36] * 6 + [29] * 4 + [46] * 4 + [47] * 3 + [33] * 3 + [64] * 2 + [56] * 2
    tops = [0x2001 << 16 | chance.getrandbits(16) for _ in range(4000)]
    tops += [(0x2400 + chance.choice((0, 0x10, 0x200, 0x400, 0x600, 0x607, 0x800, 0xa00, 0xa02, 0xa0e))) << 16
             | chance.getrandbits(16) & ~7 for _ in range(36000)]
    prefixes = set()
    while len(prefixes) < count:
        length = chance.choice(lengths)
        number = (chance.choice(tops) << 32 | chance.getrandbits(32)) << 64
        prefixes.add((mask(number, length, 128), length))
    return List(128, sorted(prefixes))


class Sets:
    def __init__(self, build, folder, quick):
        self.xdpc = os.path.join(build, "driver", "xdpc")
        self.timer = os.path.join(build, "tests", "bench", "time_lookups")
        self.folder, self.quick, self.compiled = folder, quick, {}
        self.rounds, self.repeat = (3, 100_000) if quick else (7, 1_000_000)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, contents):
        with open(self.path(name), "wb" if isinstance(contents, bytes) else "w") as out:
            out.write(contents)
        return self.path(name)

    def compile_c(self, name, out, *defines):
        """Once for each of what defines it."""
        known = self.compiled.setdefault((name, defines), self.path("%d_%s" % (len(self.compiled), out)))
        if not os.path.exists(known):
            subprocess.run(["clang-19", "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-I", "/usr/include/x86_64-linux-gnu",
                            *defines, "-c", os.path.join(HERE, "c", name + ".c"), "-o", known], check=True)
        return known

    def policy(self, name, text):
        source = self.write(name + ".xf", text)
        subprocess.run([self.xdpc, "build", source, "-o", self.path(name + ".o")], check=True, stderr=subprocess.DEVNULL)
        plan = subprocess.run([self.xdpc, "check", "--emit=plan", source], check=True, capture_output=True, text=True)
        form = [line for line in plan.stdout.splitlines() if line.startswith(("const set", "map m:"))]
        return self.path(name + ".o"), form[0].split(": ", 1)[1] if form else ""

    def measure(self, elements, rule, declaration, kernel, dynamic=""):
        """Ours, the kernel's, and how ours is looked up. Each less what the same program costs without a lookup.
        `dynamic`: a set that is filled at run time, measured as one more of "the kernel's"."""
        v6 = elements.bits == 128
        flags = ("-DV6",) if v6 else ()
        baseline = "ip.src == %s" % ("2001:db8::7" if v6 else "192.0.2.7")
        text = "%s\npolicy p {\n    a: drop when %s\n    default pass\n}\n"
        ours, form = self.policy("ours", text % (declaration, rule))
        objects = [ours, self.policy("ours_empty", text % ("", baseline))[0], self.compile_c("lookup", "none.o", *flags)]
        for kind in kernel:
            packed = self.write(kind + ".bin", elements.lpm() if kind == "LPM" else elements.hash())
            objects.append(self.compile_c("lookup", kind + ".o", "-D" + kind, *flags) + "=" + packed)
        if dynamic:
            objects.append(self.policy("dynamic", text % (dynamic, "ip.src in d"))[0] + "=" + self.path("list"))
        frame = frames.ipv6("2001:db8::1", 6, frames.tcp(1, 2)) if v6 else frames.ipv4("192.0.2.1", 6, frames.tcp(1, 2))
        out = subprocess.run([self.timer, str(self.rounds), str(self.repeat), self.write("frame", frame),
                              self.write("keys", elements.keys()), self.compile_c("rotate", "rotate.o"), *objects],
                             check=True, capture_output=True, text=True)
        found = json.loads(out.stdout)
        wrong = [drops for i, drops in enumerate(found["drops"]) if i not in (1, 2) and drops != KEYS // 16]
        if wrong:
            raise SystemExit("bench: a lookup misses keys that are there: %s" % found["drops"])
        times = found["times"]
        mine = [max(a - b, 0.5) for a, b in zip(times[0], times[1])]
        theirs = [[a - b for a, b in zip(one, times[2])] for one in times[3:3 + len(kernel)]]
        if dynamic:
            theirs.append([max(a - b, 0.5) for a, b in zip(times[-1], times[1])])
            self.changes = found["changes"]
        return mine, theirs, form

    CASES = [
        # what, list, map, kernel's map, times faster that are to be reached
        ("IPv4 prefixes, 1,000", lambda: routes4(1000), False, ("LPM",), (10,)),
        ("IPv4 prefixes, 100,000", lambda: routes4(100_000), False, ("LPM",), (75,)),
        ("IPv4 prefixes, 902,000", lambda: routes4(902_000), False, ("LPM",), (150,)),
        ("IPv4 addresses, 1,000", lambda: hosts4(1000), False, ("HASH", "LPM"), (2, 10)),
        ("IPv4 addresses, 120,000", lambda: hosts4(120_000), False, ("HASH", "LPM"), (12, 100)),
        ("IPv4 prefix to value, 100,000", lambda: routes4(100_000), True, ("LPM",), (50,)),
        ("IPv4 prefix to value, 902,000", lambda: routes4(902_000), True, ("LPM",), (45,)),
        ("IPv6 prefixes, 160,000", lambda: routes6(160_000), False, ("LPM",), (30,)),
    ]

    # What `--quick` is content with: fixed ones, and those that are filled at run time.
    QUICK = ("IPv4 prefixes, 1,000", "IPv4 prefixes, 100,000", "IPv4 addresses, 1,000")
    QUICK_DYNAMIC = ("IPv4 prefixes, 1,000", "IPv4 addresses, 120,000")

    def is_wanted(self, what, only, quick):
        return only in what and (not self.quick or bool(only) or what in quick)

    def rows(self, only=""):
        for what, make, values, kernel, wanted in self.CASES:
            if not self.is_wanted(what, only, self.QUICK):
                continue
            elements = make()
            if values:
                self.write("list", elements.text(lambda i: i * 7 % 75_000 + 1))
                declaration, rule = 'map m of ip.prefix -> u32 = load "list"', "m[ip.src] != 0"
            else:
                self.write("list", elements.text())
                declaration, rule = 'const s = load "list"', "ip.src in s"
            mine, theirs, form = self.measure(elements, rule, declaration, kernel)
            for kind, times, limit in zip(kernel, theirs, wanted):
                ratio = statistics.median(b / a for a, b in zip(mine, times))
                yield {"what": "%s, against the kernel's %s" % (what, "LPM trie" if kind == "LPM" else "hash"),
                       "ratio": ratio, "wanted": limit, "ours": statistics.median(mine), "theirs": statistics.median(times),
                       "form": form}

    DYNAMIC = [
        # what, list, capacity, milliseconds in which all elements are to be replaced
        ("IPv4 prefixes, 1,000", lambda: routes4(1000), "2k", 50),
        ("IPv4 prefixes, 10,000", lambda: routes4(10_000), "20k", 100),
        ("IPv4 prefixes, 100,000", lambda: routes4(100_000), "120k", 300),
        ("IPv4 prefixes, 902,000", lambda: routes4(902_000), "1M", 3000),
        ("IPv4 addresses, 120,000", lambda: hosts4(120_000), "130k", 400),
        ("IPv6 prefixes, 160,000", lambda: routes6(160_000), "200k", 600),
    ]

    def dynamic_rows(self, only=""):
        """Sets that user space fills: over fixed ones with the same elements, and the time of changes."""
        for what, make, capacity, wanted in self.DYNAMIC:
            if not self.is_wanted(what, only, self.QUICK_DYNAMIC):
                continue
            elements = make()
            self.write("list", elements.text())
            declaration = "set d of ip.prefix { capacity %s }" % capacity
            mine, (kernel, dynamic), _ = self.measure(elements, "ip.src in s", 'const s = load "list"', ("LPM",), declaration)
            yield {"what": what, "ratio": statistics.median(a / b for a, b in zip(dynamic, mine)),
                   "ours": statistics.median(dynamic), "fixed": statistics.median(mine),
                   "faster": statistics.median(a / b for a, b in zip(kernel, dynamic)),
                   "theirs": statistics.median(kernel), "all_ms": self.changes["all"], "one_ms": self.changes["one"],
                   "wanted_ms": wanted}

    def curve(self):
        """How lookups grow with a list, ours and the kernel's."""
        grown = Curve("sets", "Lookup of a source address in a list", "elements", "ns a packet")
        for size in (10, 100, 1000, 10_000, 100_000, 902_000):
            for what, make, kind in (("prefixes", routes4, "LPM"), ("addresses", hosts4, "HASH")):
                if size > 100_000 and (self.quick or kind == "HASH"):
                    continue
                elements = make(size)
                self.write("list", elements.text())
                mine, (theirs,), _ = self.measure(elements, "ip.src in s", 'const s = load "list"', (kind,))
                grown.add("xdpc, " + what, size, statistics.median(mine))
                grown.add("the kernel's %s, %s" % ("LPM trie" if kind == "LPM" else "hash", what), size, statistics.median(theirs))
        return grown


def figures(bench, build):
    """The rows of bench.py."""
    found = Sets(build, bench.folder, bench.quick)
    for row in found.rows():
        bench.at_least(row["what"], row["ratio"], row["wanted"],
                       "%.1f and %.1f ns; %s" % (row["ours"], row["theirs"], row["form"]))
    for row in found.dynamic_rows():
        bench.row("a set changed at run time over a fixed one: " + row["what"], row["ratio"], 1.5, "times",
                  "%.1f and %.1f ns, the kernel's LPM trie %.1f" % (row["ours"], row["fixed"], row["theirs"]))
        bench.row("all replaced in one step: " + row["what"], row["all_ms"], row["wanted_ms"], "ms")
        bench.row("one more or fewer: " + row["what"], row["one_ms"], 1, "ms")


def main():
    quick = "--quick" in sys.argv
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    with tempfile.TemporaryDirectory() as folder:
        for row in Sets(sys.argv[1], folder, quick).rows(only):
            print("%-60s %6.1f times (%d wanted): %.1f ns, the kernel's %.1f; %s" % (
                row["what"], row["ratio"], row["wanted"], row["ours"], row["theirs"], row["form"]), flush=True)
        for row in Sets(sys.argv[1], folder, quick).dynamic_rows(only):
            print("%-60s %6.2f times a fixed set: %.1f and %.1f ns, the kernel's %.1f (%.1f times); all in %.1f ms, one in %.3f"
                  % (row["what"] + ", at run time", row["ratio"], row["ours"], row["fixed"], row["theirs"], row["faster"],
                     row["all_ms"], row["one_ms"]), flush=True)


if __name__ == "__main__":
    main()
