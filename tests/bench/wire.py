"""The figures on the wire: frames that arrive at a veth device, native, generator and receiver on one CPU, against a bare
drop or pass and against what else filters there: nftables at the device's ingress, iptables' table raw, ipset, the kernel's
LPM trie. What is not installed is left out, and said so.

Used by bench.py; by itself: wire.py BUILD [--quick] [--only WORD], in a network namespace of its own (see run.sh).
"""

import contextlib
import ipaddress
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

import frames
import sets
from classifiers import families, ruleset

ADDRESS = "02:00:00:00:00:01"  # that the frames go to: of another one the stack drops them before any table


def checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def keys(packets, frame):
    """As generate.c puts them into the frame."""
    start = frame[14:34]
    out = []
    for source, destination, sport, dport, protocol in packets:
        addresses = struct.pack(">II", source, destination)
        header = start[:9] + bytes([protocol]) + b"\0\0" + addresses
        out.append(addresses + struct.pack(">HHHBB", sport, dport, checksum(header), protocol, 0))
    return b"".join(out)


def prefix(given):
    return "%s/%d" % (ipaddress.IPv4Address(given[0]), given[1])


def nft_rule(rule):
    source, destination, sports, dports, protocol = rule
    terms = ["ip %s %s" % (side, prefix(given)) for side, given in (("saddr", source), ("daddr", destination)) if given and given[1]]
    header = {ruleset.TCP: "tcp", ruleset.UDP: "udp"}.get(protocol, "th")
    ports = ["%s %s %d-%d" % (header, side, *given) for side, given in (("sport", sports), ("dport", dports)) if given != ruleset.ANY_PORT]
    if protocol is not None and (header == "th" or not ports):
        terms.append("ip protocol %d" % protocol)
    if protocol is None and ports:
        terms.append("ip protocol { tcp, udp }")
    return " ".join(terms + ports) or "ip version 4"


def iptables_rules(rule):
    """Two where the protocol is open and the ports are not."""
    source, destination, sports, dports, protocol = rule
    match = "".join(" -%s %s" % (side, prefix(given)) for side, given in (("s", source), ("d", destination)) if given and given[1])
    ports = "".join(" --%s %d:%d" % (side, *given) for side, given in (("sport", sports), ("dport", dports)) if given != ruleset.ANY_PORT)
    protocols = (protocol,) if protocol is not None else PORT_PROTOCOLS if ports else (None,)
    return ["-A RULES%s%s%s -j DROP" % (match, "" if one is None else " -p %d" % one, ports) for one in protocols]


PORT_PROTOCOLS = (ruleset.TCP, ruleset.UDP)


def run(*arguments, text=None):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("bench: `%s` failed: %s" % (" ".join(arguments), done.stderr.strip()[:400]))


class Wire(sets.Sets):
    def __init__(self, build, folder, quick):
        super().__init__(build, folder, quick)
        self.timer = os.path.join(build, "tests", "bench", "time_wire")
        self.rounds, self.ms = (3, 100) if quick else (9, 500)
        self.missing = set()

    def has(self, *tools):
        missing = [tool for tool in tools if not shutil.which(tool)]
        self.missing.update(missing)
        return not missing

    def measure(self, packets, filters):
        """`filters`: by name an object for time_wire, or what sets up a filter at the device of that name. Nanoseconds a
        frame, by name and round."""
        frame = frames.ipv4("192.0.2.1", 6, frames.tcp(1, 2))
        packets = list(packets)
        random.Random(5).shuffle(packets)
        with contextlib.ExitStack() as stack:
            arguments = []
            for i, made in enumerate(filters.values()):
                name = "w%d" % i
                stack.enter_context(pair(name))
                arguments.append(name + "=" + made if isinstance(made, str) else name)
                if not isinstance(made, str):
                    stack.enter_context(made(name + "b"))
            out = subprocess.run([self.timer, str(self.rounds), str(self.ms), self.write("frame", frame),
                                  self.write("keys", keys(packets, frame)), self.compile_c("generate", "generate.o"), *arguments],
                                 capture_output=True, text=True)
        if out.returncode:
            raise SystemExit(out.stderr.strip())
        found = json.loads(out.stdout)
        return dict(zip(filters, found["times"]))

    def rules(self, family, count):
        rules = families.rules(family, count)
        text = ruleset.policy_text(rules).replace(": pass when", ": drop when")
        filters = {"drop": self.compile_c("drop", "drop.o"), "xdpc": self.policy("rules", text)[0]}
        if self.has("nft"):
            filters["nft"] = lambda device: nft(device, "".join("  %s drop\n" % nft_rule(rule) for rule in rules))
        if self.has("iptables-restore"):
            lines = [line for rule in rules for line in iptables_rules(rule)]
            filters["iptables"] = lambda device: iptables(device, lines)
        packets = [packet[:5] for packet in families.packets(rules, sets.KEYS)]
        return self.measure(packets, filters)

    def prefixes(self, count):
        elements = sets.routes4(count)
        self.write("list", elements.text())
        text = "%s\npolicy p {\n    a: drop when ip.src in s\n    default pass\n}\n"
        lpm = self.compile_c("lookup", "LPM.o", "-DLPM") + "=" + self.write("lpm.bin", elements.lpm())
        filters = {"drop": self.compile_c("drop", "drop.o"), "xdpc": self.policy("list", text % 'const s = load "list"')[0], "LPM trie": lpm}
        texts = [prefix(one) for one in disjoint(elements.prefixes)]
        if self.has("nft"):
            filters["nft"] = lambda device: nft(device, "  ip saddr @s drop\n", "set s { type ipv4_addr; flags interval; elements = { %s } }" % ", ".join(texts))
        if self.has("iptables-restore", "ipset"):
            filters["ipset"] = lambda device: ipset(device, texts)
        return self.measure(from_sources(elements), filters)

    def addresses(self, count):
        elements = sets.hosts4(count)
        self.write("list", elements.text())
        texts = [str(ipaddress.IPv4Address(number)) for number, _ in elements.prefixes]
        filters = {"drop": self.compile_c("drop", "drop.o"),
                   "xdpc": self.policy("list", 'const s = load "list"\npolicy p {\n    a: drop when ip.src in s\n    default pass\n}\n')[0]}
        if self.has("nft"):
            filters["nft"] = lambda device: nft(device, "  ip saddr @s drop\n", "set s { type ipv4_addr; elements = { %s } }" % ", ".join(texts))
        if self.has("xdp-filter"):
            filters["xdp-filter"] = lambda device: xdp_filter(device, texts)
        return self.measure(from_sources(elements), filters)

    def passing(self):
        policy = os.path.join(sets.HERE, "..", "..", "examples", "web_edge", "web_edge.xf")
        ours = self.path("web_edge.o")
        subprocess.run([self.xdpc, "build", policy, "-o", ours], check=True, stderr=subprocess.DEVNULL)
        packets = [((198 << 24) | (51 << 16) | (100 << 8) | i % 250, 0xCB007101, 1024 + i % 60000, (80, 443, 8080)[i % 3], 6) for i in range(sets.KEYS)]
        return self.measure(packets, {"pass": self.compile_c("empty", "empty.o"), "xdpc": ours})


def from_sources(elements):
    chosen = elements.keys()
    return [(int.from_bytes(chosen[i:i + 4], "big"), 0xCB007101, 40000, 443, 6) for i in range(0, len(chosen), 16)]


def disjoint(prefixes):
    """Without what lies in another one: nft's intervals do not overlap."""
    out, end = [], -1
    for number, length in sorted(prefixes):
        if number > end:
            out.append((number, length))
            end = number + (1 << 32 - length) - 1
    return out


@contextlib.contextmanager
def pair(name):
    one, other = name + "a", name + "b"
    run("ip", "link", "add", one, "type", "veth", "peer", "name", other, "address", ADDRESS)
    try:
        for device in (one, other):
            run("ip", "link", "set", device, "up")
        run("ethtool", "-K", other, "gro", "on")  # without XDP of its own it receives redirected frames only so
        yield
    finally:
        run("ip", "link", "del", one)


@contextlib.contextmanager
def nft(device, rules, declared=""):
    table = "table netdev bench_%s" % device
    run("nft", "-f", "-", text="%s {\n %s\n chain c {\n  type filter hook ingress device %s priority 0; policy accept;\n%s }\n}\n" % (
        table, declared, device, rules))
    try:
        yield
    finally:
        run("nft", "delete", *table.split())


@contextlib.contextmanager
def iptables(device, lines):
    run("iptables-restore", text="*raw\n:RULES - [0:0]\n-A PREROUTING -i %s -j RULES\n%s\nCOMMIT\n" % (device, "\n".join(lines)))
    try:
        yield
    finally:
        run("iptables", "-t", "raw", "-F")
        run("iptables", "-t", "raw", "-X")


@contextlib.contextmanager
def xdp_filter(device, addresses):
    """It pins where it always does: in a mount of this process's own."""
    run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    try:
        run("xdp-filter", "load", device, "-f", "ipv4", "-m", "native")
        for address in addresses:
            run("xdp-filter", "ip", address, "-m", "src")
        yield
        run("xdp-filter", "unload", device)
    finally:
        run("umount", "/sys/fs/bpf")


@contextlib.contextmanager
def ipset(device, prefixes):
    name = "bench_%s" % device
    lines = ["create %s hash:net maxelem 1048576" % name] + ["add %s %s" % (name, one) for one in prefixes]
    run("ipset", "restore", text="\n".join(lines) + "\n")
    try:
        with iptables(device, ["-A RULES -m set --match-set %s src -j DROP" % name]):
            yield
    finally:
        run("ipset", "destroy", name)


def ratios(times, over, under):
    return statistics.median(a / b for a, b in zip(times[over], times[under]))


def beyond(times, name):
    """Nanoseconds over a bare drop, by round."""
    return [max(a - b, 0.5) for a, b in zip(times[name], times["drop"])]


def note(times):
    return ", ".join("%s %.0f ns" % (name, statistics.median(one)) for name, one in times.items())


RULES = {"nft": 270, "iptables": 105}
ADDRESSES = ("nft", "xdp-filter")
PREFIXES = {"nft": 60, "ipset": 48, "LPM trie": 33}


def figures(bench, build, only=""):
    """The rows of bench.py."""
    found = Wire(build, bench.folder, bench.quick)
    count = 1000 if bench.quick else 10_000
    if only in "rules":
        times = found.rules("acl", count)
        bench.at_least("on the wire: {:,} rules, share of a bare drop".format(count), ratios(times, "drop", "xdpc"), 0.78, note(times))
        for name, limit in RULES.items():
            if name in times and not bench.quick:
                bench.at_least("on the wire: the same, against %s" % name, ratios(times, name, "xdpc"), limit)
    if only in "prefixes":
        times = found.prefixes(100_000)
        mine = beyond(times, "xdpc")
        bench.row("on the wire: 100,000 prefixes, over a bare drop", statistics.median(mine), 15, "ns", note(times))
        for name, limit in PREFIXES.items():
            if name in times:
                bench.at_least("on the wire: the same, against %s" % name, statistics.median(a / b for a, b in zip(beyond(times, name), mine)), limit)
    if only in "addresses":
        times = found.addresses(200)
        mine = beyond(times, "xdpc")
        for name in ADDRESSES:
            if name in times:
                bench.at_least("on the wire: 200 addresses, over a bare drop, against %s" % name,
                               statistics.median(a / b for a, b in zip(beyond(times, name), mine)), 1, note(times))
    if only in "passing":
        times = found.passing()
        bench.at_least("on the wire: web_edge, over a program that only passes", ratios(times, "pass", "xdpc"), 0.97, note(times))
    for tool in sorted(found.missing):
        print("bench: %s is not installed: its rows are left out" % tool, file=sys.stderr)


class Printed:
    def __init__(self, folder, quick):
        self.folder, self.quick = folder, quick

    def row(self, what, value, limit, unit, note=""):
        print("%-60s %8.2f %s (at most %s wanted); %s" % (what, value, unit, limit, note), flush=True)

    def at_least(self, what, value, limit, note=""):
        print("%-60s %8.2f times (at least %s wanted); %s" % (what, value, limit, note), flush=True)


def main():
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    with tempfile.TemporaryDirectory() as folder:
        figures(Printed(folder, "--quick" in sys.argv), sys.argv[1], only)


if __name__ == "__main__":
    main()
