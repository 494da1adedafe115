# Rule sets of ClassBench's three families, of any size, and packets that hit them: for run.py and tests/bench. A rule is
# as in ruleset.py. The shares of lengths, ports and protocols are those of its seeds acl1, fw1 and ipc1, roughly: access
# lists name hosts and one port; firewalls leave one side open and take ranges; chains are in between.
import random

import ruleset
from ruleset import ANY_PORT, TCP, UDP

HIGH_PORTS = (1024, 65535)
SERVERS = (80, 443, 25, 53, 22, 21, 23, 110, 123, 161, 179, 69, 88, 750, 119, 1521, 1433, 135, 5555, 6000)

# By family: (source length, destination length): share; (kind of source ports, of destination ports): share; protocols;
# networks and hosts in a network for so many rules; how many of the prefixes are used again.
FAMILIES = {
    "acl": {
        "lengths": {(32, 32): 29, (31, 32): 14, (32, 31): 13, (31, 31): 5, (32, 30): 4, (23, 32): 4, (32, 22): 4, (31, 22): 4, (30, 32): 3,
                    (24, 31): 2, (32, 24): 3, (32, 21): 2, (24, 32): 2, (30, 23): 2, (25, 32): 2, (23, 16): 2, (22, 16): 1, (24, 14): 1, (32, 0): 1},
        "ports": {("any", "one"): 62, ("any", "any"): 27, ("any", "some"): 8, ("any", "high"): 3},
        "protocols": {TCP: 86, None: 8, 1: 3, UDP: 3},
        "networks": 60, "hosts": 24, "fresh": (0.4, 0.07),
    },
    "fw": {
        "lengths": {(0, 32): 17, (0, 31): 20, (0, 30): 7, (1, 32): 11, (1, 31): 8, (2, 32): 4, (32, 0): 6, (31, 0): 6, (30, 0): 3, (32, 1): 4,
                    (31, 1): 2, (32, 32): 3, (31, 32): 1, (28, 0): 2, (22, 0): 2, (0, 0): 0.5, (32, 22): 1, (28, 32): 2},
        "ports": {("any", "one"): 45, ("any", "any"): 19, ("one", "one"): 8, ("one", "any"): 8, ("high", "one"): 6, ("any", "high"): 5, ("high", "high"): 2,
                  ("one", "high"): 1, ("any", "some"): 6},
        "protocols": {TCP: 54, UDP: 33, 47: 5, 1: 5, None: 3},
        "networks": 200, "hosts": 40, "fresh": (0.35, 0.65),
    },
    "ipc": {
        "lengths": {(32, 32): 38, (24, 32): 8, (32, 24): 9, (28, 32): 5, (32, 28): 6, (0, 32): 6, (32, 0): 5, (24, 24): 6, (16, 32): 3, (27, 27): 5, (30, 30): 4,
                    (16, 16): 2, (24, 0): 1.5, (0, 24): 1.5},
        "ports": {("any", "any"): 45, ("any", "one"): 27, ("one", "any"): 12, ("one", "one"): 7, ("some", "any"): 2, ("any", "some"): 3, ("high", "one"): 2,
                  ("high", "high"): 2},
        "protocols": {TCP: 50, UDP: 27, None: 14, 1: 5, 50: 2, 47: 2},
        "networks": 120, "hosts": 30, "fresh": (0.3, 0.3),
    },
}


class Side:
    """Addresses of one side: a few networks, some far larger than others, with prefixes that nest in them."""

    def __init__(self, chance, family, count, fresh):
        networks = max(3, min(family["networks"], count // 8))
        self.chance, self.hosts, self.fresh = chance, family["hosts"] * max(1, count // 1000), fresh
        self.networks = [chance.getrandbits(16) << 16 for _ in range(networks)]
        self.used = {}

    def prefix(self, length):
        if not length:
            return None
        known = self.used.setdefault(length, [])
        if known and self.chance.random() > self.fresh:
            return self.chance.choice(known)
        if length < 16:
            number = self.chance.getrandbits(32)
        else:
            network = self.networks[int(len(self.networks) * self.chance.random() ** 2)]
            number = network | int(65535 * self.chance.random() ** 1.5) ^ self.chance.randrange(self.hosts) % 256
        known.append((number >> (32 - length) << (32 - length), length, 4))
        return known[-1]


def weighted(chance, shares):
    return chance.choices(list(shares), list(shares.values()))[0]


def ports(chance, kind):
    if kind in ("any", "high"):
        return ANY_PORT if kind == "any" else HIGH_PORTS
    if kind == "one":
        port = chance.choice(SERVERS) if chance.random() < 0.6 else 1490 + int(chance.random() ** 2 * 300)
        return port, port
    low = chance.choice((1600, 1710, 5000, 6000, 20, 109, 7000))
    return low, low + chance.choice((1, 3, 15, 49, 63))


def rules(kind, count, seed=1):
    """So many different rules, the specific ones first, as an administrator orders them."""
    family = FAMILIES[kind]
    chance = random.Random(f"{kind} {count} {seed}")
    sides = [Side(chance, family, count, fresh) for fresh in family["fresh"]]
    found = {}
    while len(found) < count:
        lengths, protocol = weighted(chance, family["lengths"]), weighted(chance, family["protocols"])
        port_kinds = weighted(chance, family["ports"]) if protocol in (TCP, UDP) else ("any", "any")
        rule = (*(side.prefix(length) for side, length in zip(sides, lengths)), *(ports(chance, kind) for kind in port_kinds), protocol)
        found.setdefault(rule, len(found))

    def breadth(rule):
        lengths = sum(prefix[1] if prefix else 0 for prefix in rule[:2])
        return -lengths + chance.randrange(12) + 4 * sum(one == ANY_PORT for one in rule[2:4]) + 4 * (rule[4] is None)

    return sorted(found, key=breadth)


def packets(rules, count, seed=1):
    """So many different packets, each in some rule, rules drawn alike: (source, destination, ports, protocol, family)."""
    chance = random.Random(seed)
    found = {}
    while len(found) < count:
        source, destination, sports, dports, protocol = chance.choice(rules)
        addresses = [(prefix[0] if prefix else 0) | chance.getrandbits(32 - (prefix[1] if prefix else 0)) if not prefix or prefix[1] < 32 else prefix[0]
                     for prefix in (source, destination)]
        protocol = chance.choice((TCP, TCP, UDP)) if protocol is None else protocol
        with_ports = protocol in (TCP, UDP)
        numbers = [chance.randint(*span) if with_ports else 0 for span in (sports, dports)]
        found[(*addresses, *numbers, protocol, 4)] = None
    return list(found)


__all__ = ["FAMILIES", "packets", "rules", "ruleset"]
