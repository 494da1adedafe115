"""The figures of tables of rules: 65,536 different packets that hit, each set against the same rules compared in turn and
as bit vectors, by hand in C, in the same run. A packet's cost is what is beyond a program that only fetches the key.

Used by bench.py; by itself: classifiers.py BUILD [--quick] [--only WORD] prints the table, with how plans grow.
"""

import bisect
import itertools
import json
import math
import os
import pathlib
import random
import re
import statistics
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

import frames
import sets
from curves import Curve

sys.path.insert(0, os.path.join(sets.HERE, "..", "classbench"))
import families  # noqa: E402
import ruleset  # noqa: E402

KEYS = sets.KEYS
PORTS = (ruleset.TCP, ruleset.UDP)
BASELINE = "policy p {\n    a: drop when u32(ipv4.src) ^ u32(ipv4.dst) ^ l4.sport ^ l4.dport == 7\n    default tx\n}\n"
MOST_LINEAR = 10_000  # rules that the verifier takes as a loop
MOST_BITS = 10_000    # beyond, the vectors take a gigabyte


def key(packet):
    source, destination, sport, dport, protocol = packet[:5]
    return struct.pack(">IIHH", source, destination, sport, dport) + struct.pack("<I", protocol)


def masked(prefix):
    return (prefix[0], (0xFFFFFFFF << (32 - prefix[1])) & 0xFFFFFFFF) if prefix and prefix[1] else (0, 0)


def span(prefix):
    number, mask = masked(prefix)
    return number, number | ~mask & 0xFFFFFFFF


def by_hand(rules):
    """As C has them, with the verdict: ports only under TCP and UDP, so that a rule for any protocol can be two."""
    out = []
    for i, rule in enumerate(rules):
        any_ports = rule[2] == rule[3] == ruleset.ANY_PORT
        for protocol in (rule[4],) if rule[4] is not None or any_ports else PORTS:
            out.append((*rule[:4], protocol, i % 2))
    return out


def drop_bits(rules, count):
    words = [0] * (count // 64)
    for i, rule in enumerate(rules):
        words[i // 64] |= rule[5] << i % 64
    return struct.pack("<%dQ" % len(words), *words)


def linear(rules, count):
    packed = [struct.pack("<IIIIHHHHII", *masked(source), *masked(destination), *sports, *dports, protocol or 0, 0 if protocol is None else ~0 & 0xFFFFFFFF)
              for source, destination, sports, dports, protocol, _ in rules]
    never = struct.pack("<IIIIHHHHII", 0, 0, 0, 0, 1, 0, 1, 0, 0, 0)
    return b"".join(packed) + never * (count - len(rules))


def chunks_of(rule):
    """The rule's interval in each 16 bits of the key: the low half of a prefix matters where its high half is whole."""
    out = []
    for prefix in rule[:2]:
        low, high = span(prefix)
        out += [(low >> 16, high >> 16), (low & 0xFFFF, high & 0xFFFF)]
    protocol = rule[4]
    return out + [rule[2], rule[3], (0, 65535) if protocol is None else (protocol, protocol)]


def bit_vectors(rules, count):
    """Which vector each value of each chunk has, and the vectors."""
    tables, vectors, numbers = [], [], {}
    intervals = [chunks_of(rule) for rule in rules]
    for chunk in range(7):
        edges = sorted({0, 65536} | {edge for rule in intervals for edge in (rule[chunk][0], rule[chunk][1] + 1)})
        changes = [0] * len(edges)  # rules that begin or end there
        for i, rule in enumerate(intervals):
            low, high = rule[chunk]
            changes[bisect.bisect_left(edges, low)] ^= 1 << i
            changes[bisect.bisect_left(edges, high + 1)] ^= 1 << i
        table, here = [], 0
        for place, low in enumerate(edges[:-1]):
            here ^= changes[place]
            number = numbers.setdefault(here, len(numbers))
            if number == len(vectors):
                vectors.append(here.to_bytes(count // 8, "little"))
            table += [number] * (edges[place + 1] - low)
        tables.append(struct.pack("<65536H", *table))
    return b"".join(tables), vectors


class Classifiers(sets.Sets):
    def by_hand(self, name, text, defines, fill):
        objects = self.compile_c("rules", name + ".o", *defines)
        return objects + "=" + ",".join("%s:%s" % (map_name, self.write(name + map_name, contents)) for map_name, contents in fill)

    def twins(self, rules):
        rules = by_hand(rules)
        count = (len(rules) + 63) // 64 * 64
        drops = drop_bits(rules, count)
        twins = {}
        if len(rules) <= MOST_LINEAR + 1000:
            table = linear(rules, count)
            twins["compared in turn"] = self.by_hand("linear", table, ("-DLINEAR", "-DRULES=%d" % count), [(".bss", drops.ljust(count // 8, b"\0") + table)])
        if len(rules) <= MOST_BITS + 1000:
            tables, vectors = bit_vectors(rules, count)
            defines = ("-DBITS", "-DRULES=%d" % count, "-DVECTORS=%d" % len(vectors))
            twins["bit vectors"] = self.by_hand("bits", tables, defines, [(".bss", drops + tables), ("vectors", b"".join(vectors))])
        return twins

    def plan(self, source):
        """What the plan says, and what it took: milliseconds from start to end and megabytes."""
        start = time.monotonic()
        with open(self.path("plan"), "w") as out:
            process = subprocess.Popen([self.xdpc, "check", "--emit=plan", source], stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("bench: `xdpc check` failed")
        lines = [line for line in pathlib.Path(self.path("plan")).read_text().splitlines() if re.match("rules [0-9]", line)]
        return {"text": "; ".join(lines), "ms": (time.monotonic() - start) * 1000, "mb": usage.ru_maxrss / 1024,
                "bytes": sum(table_bytes(line) for line in lines)}

    def measure(self, rules, packets, text=None):
        """Ours and the twins', a list of nanoseconds each; instructions that the verifier walked; the plan."""
        source = self.write("rules.xf", text or ruleset.policy_text(rules))
        subprocess.run([self.xdpc, "build", source, "-o", self.path("ours.o")], check=True, stderr=subprocess.DEVNULL)
        ours_empty = self.policy("empty", BASELINE)[0]
        twins = self.twins(rules)
        objects = [self.path("ours.o"), ours_empty, self.compile_c("rules", "none.o", "-DRULES=64"), *twins.values()]
        packets = list(packets)
        random.Random(5).shuffle(packets)
        frame = frames.ipv4("192.0.2.1", 6, frames.tcp(1, 2))
        out = subprocess.run([self.timer, str(self.rounds), str(self.repeat), self.write("frame", frame),
                              self.write("keys", b"".join(map(key, packets))), self.compile_c("rotate_flow", "rotate_flow.o"), *objects],
                             check=True, capture_output=True, text=True)
        found = json.loads(out.stdout)
        if len({found["drops"][i] for i in (0, *range(3, len(objects)))}) > 1:
            raise SystemExit("bench: the classifiers disagree: %s drops" % found["drops"])
        times = found["times"]
        mine = [max(a - b, 0.5) for a, b in zip(times[0], times[1])]
        theirs = {name: [a - b for a, b in zip(times[3 + i], times[2])] for i, name in enumerate(twins)}
        return {"ours": mine, "theirs": theirs, "verified": found["verified"][0], "plan": self.plan(source)}

    def classbench(self, name, rules):
        return {"name": name, "rules": len(rules), **self.measure(rules, families.packets(rules, KEYS))}

    SIZES = (10, 100, 1000, 10_000, 100_000)

    def least(self):
        return 100 if self.quick else 10

    def most(self):
        return 1000 if self.quick else 100_000

    def generated(self, only=""):
        for size in self.SIZES:
            for family in families.FAMILIES:
                if only in "%s %d" % (family, size) and self.least() <= size <= self.most():
                    yield {"family": family, **self.classbench("%s, %d rules" % (family, size), families.rules(family, size))}

    def stored(self, only=""):
        corpus = pathlib.Path(sets.HERE).resolve().parents[2] / "shared" / "corpus" / "classbench.tar.xz"
        if not corpus.is_file() or self.quick:
            return
        with tarfile.open(corpus) as archive:
            archive.extractall(self.folder)
        for path in sorted(pathlib.Path(self.folder).glob("*.rules")):
            if only in path.stem:
                yield self.classbench(path.stem + ", stored", ruleset.stored_rules(path))

    # Source and port: how many rules, and the nanoseconds to reach.
    PAIRS = ((1, 3), (100, 8), (1000, 12), (8000, 25))

    def pairs(self, only=""):
        for count, limit in self.PAIRS:
            if only not in "source and port %d" % count or count > self.most() or (self.quick and count == 1):
                continue
            chance = random.Random(count)
            pairs = {(chance.randrange(1 << 24, 224 << 24), chance.choice((22, 53, 80, 443, chance.randrange(1024, 65536)))): None for _ in range(count)}
            rules = [((source, 32, 4), None, ruleset.ANY_PORT, (port, port), ruleset.TCP) for source, port in pairs]
            yield {"name": "source and port, %d rule%s" % (count, "s" * (count > 1)), "rules": count, "limit": limit,
                   **self.measure(rules, families.packets(rules, KEYS))}


def table_bytes(line):
    number, unit = re.search(r"([0-9,]+) (bytes|KB|MB)", line).groups()
    return int(number.replace(",", "")) * {"bytes": 1, "KB": 1000, "MB": 1_000_000}[unit]


def mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


# By size: nanoseconds, and times that bit vectors and a loop take longer, where stated.
LIMITS = {100: (25, None), 1000: (35, None), 10_000: (45, {"compared in turn": 150, "bit vectors": 13}), 100_000: (70, None)}


def curves(by_size):
    """How lookups and compiles grow."""
    lookups = Curve("rules", "First match of rules of five fields", "rules", "ns a packet")
    times = Curve("compile", "Parse and plan, the slowest family", "rules", "ms and MB")
    for size, found in sorted(by_size.items()):
        for one in found:
            lookups.add("xdpc, " + one["family"], size, statistics.median(one["ours"]))
        for name in found[0]["theirs"]:
            lookups.add(name + ", by hand", size, mean([statistics.median(one["theirs"][name]) for one in found]))
        times.add("ms", size, max(one["plan"]["ms"] for one in found))
        times.add("MB", size, max(one["plan"]["mb"] for one in found))
    return [lookups, times]


def figures(bench, by_size, only=""):
    """What is stated: (what, value, limit, unit, note), a value to be at most its limit. `by_size` becomes what was found of
    the generated sets."""
    for found in bench.generated(only):
        by_size.setdefault(found["rules"], []).append(found)
    for size, sets_of_size in by_size.items():
        if size not in LIMITS:
            continue
        limit, ratios = LIMITS[size]
        ours = mean([statistics.median(found["ours"]) for found in sets_of_size])
        note = ", ".join("%s %.0f" % (found["family"], statistics.median(found["ours"])) for found in sets_of_size)
        yield "ClassBench, %d rules, mean of the families" % size, ours, limit, "ns", note
        for name, times in (ratios or {}).items():
            share = mean([statistics.median(a / b for a, b in zip(found["ours"], found["theirs"][name])) for found in sets_of_size])
            yield "the same, over the same rules %s by hand" % name, share * 100, round(100 / times, 2), "%", "1/%.0f" % (1 / share)
    if 100_000 in by_size:
        largest = by_size[100_000]
        yield "100,000 rules, bytes of tables a rule", max(found["plan"]["bytes"] for found in largest) / 1e5, 20, "bytes", ""
        yield "100,000 rules, parsed and planned", max(found["plan"]["ms"] for found in largest), 1000, "ms", ""
        yield "100,000 rules, peak memory", max(found["plan"]["mb"] for found in largest), 600, "MB", ""
    if by_size:
        yield "instructions that the verifier walks, at most", max(found["verified"] for sets_of_size in by_size.values() for found in sets_of_size), 20_000, "", ""
    for found in bench.pairs(only):
        yield found["name"], statistics.median(found["ours"]), found["limit"], "ns", found["plan"]["text"]


def main():
    quick = "--quick" in sys.argv
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    with tempfile.TemporaryDirectory() as folder:
        bench = Classifiers(sys.argv[1], folder, quick)
        for found in itertools.chain(bench.pairs(only), bench.generated(only), bench.stored(only)):
            theirs = ", ".join("%s %.0f" % (name, statistics.median(times)) for name, times in found["theirs"].items())
            print("%-28s %6.1f ns (least %.1f); %s; %d verified; plan %.0f ms, %.0f MB; %s" % (
                found["name"], statistics.median(found["ours"]), min(found["ours"]), theirs, found["verified"], found["plan"]["ms"],
                found["plan"]["mb"], found["plan"]["text"]), flush=True)


if __name__ == "__main__":
    main()
