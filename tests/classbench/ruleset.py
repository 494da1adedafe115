# Rule sets of five fields as policies, and packets as frames: for run.py. A rule is (source, destination, source ports,
# destination ports, protocol): prefixes as (number, length, family), ports as (low, high), a protocol or None.
import ipaddress
import random
import struct

TCP, UDP = 6, 17
ANY_PORT = (0, 65535)


def stored_rules(path):
    """Of a file as ClassBench writes them, which has no IPv6."""
    def prefix(text):
        address, length = text.split("/")
        number = int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
        return number >> (32 - int(length)) << (32 - int(length)), int(length), 4

    def ports(text):
        low, high = text.split(":")
        return int(low), int(high)

    rules = []
    for line in path.read_text().splitlines():
        if line.startswith("@"):
            source, destination, sports, dports, protocol = line[1:].split("\t")[:5]
            value, mask = (int(part, 16) for part in protocol.split("/"))
            rules.append((prefix(source), prefix(destination), ports(sports), ports(dports), value if mask else None))
    return rules


def prefix_text(prefix):
    number, length, family = prefix
    kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
    return f"{kind(number)}/{length}"


def ports_term(field, ports):
    if ports == ANY_PORT:
        return []
    return [f"{field} == {ports[0]}" if ports[0] == ports[1] else f"{field} in {ports[0]}-{ports[1]}"]


def condition(rule):
    source, destination, sports, dports, protocol = rule
    terms = [f"ip.{name} in {prefix_text(prefix)}" for name, prefix in (("src", source), ("dst", destination)) if prefix and prefix[1]]
    header = {TCP: "tcp", UDP: "udp"}.get(protocol, "l4")
    if protocol is not None:
        terms.append(header if protocol in (TCP, UDP) else f"ip.proto == {protocol}")
    terms += ports_term(f"{header}.sport", sports) + ports_term(f"{header}.dport", dports)
    return " and ".join(terms) or "ip"


def policy_text(rules):
    lines = [f"    r{i}: {('pass', 'drop')[i % 2]} when {condition(rule)}" for i, rule in enumerate(rules)]
    return "policy classbench {\n" + "\n".join(lines) + "\n    default tx\n}\n"


def frame(packet):
    """(source, destination, source port, destination port, protocol, family) as bytes."""
    source, destination, sport, dport, protocol, family = packet
    if protocol == TCP:
        transport = struct.pack(">HHIIBBHHH", sport, dport, 0, 0, 0x50, 0, 0, 0, 0)
    elif protocol == UDP:
        transport = struct.pack(">HHHH", sport, dport, 8, 0)
    else:
        transport = b""
    if family == 4:
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(transport), 0, 0, 64, protocol, 0, source, destination)
    else:
        ip = struct.pack(">IHBB", 6 << 28, len(transport), protocol, 64) + source.to_bytes(16, "big") + destination.to_bytes(16, "big")
    return bytes(12) + (b"\x08\x00" if family == 4 else b"\x86\xdd") + ip + transport


def write_pcap(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            data = frame(packet)
            out.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)


def matches(rule, packet):
    source, destination, sports, dports, protocol = rule
    has_ports = packet[4] in (TCP, UDP)
    for prefix, address in ((source, packet[0]), (destination, packet[1])):
        if prefix and prefix[1]:
            bits = 32 if prefix[2] == 4 else 128
            if prefix[2] != packet[5] or address >> (bits - prefix[1]) != prefix[0] >> (bits - prefix[1]):
                return False
    if protocol is not None and protocol != packet[4]:
        return False
    for ports, port in ((sports, packet[2]), (dports, packet[3])):
        if ports != ANY_PORT and not (has_ports and ports[0] <= port <= ports[1]):
            return False
    return True


def first_match(rules, packet):
    return next((i for i, rule in enumerate(rules) if matches(rule, packet)), None)


# ---- a generator: few networks with many hosts in them, prefixes that nest, common ports

LENGTHS = {4: (8, 16, 16, 21, 24, 24, 24, 28, 30, 32, 32, 32), 6: (32, 32, 48, 48, 56, 64, 64, 128, 128)}
PORTS = (ANY_PORT, ANY_PORT, (80, 80), (443, 443), (53, 53), (0, 1023), (1024, 65535), (6000, 6063), None)


def generated(count, seed, wild=0.2):
    """ClassBench's statistics, roughly: shares of lengths, wildcards, ports and protocols."""
    chance = random.Random(seed)
    networks = {4: [chance.getrandbits(32) for _ in range(max(2, count // 16))], 6: [chance.getrandbits(128) for _ in range(max(2, count // 16))]}

    def prefix(family):
        if chance.random() < wild:
            return None
        bits, length = (32, chance.choice(LENGTHS[4])) if family == 4 else (128, chance.choice(LENGTHS[6]))
        number = chance.choice(networks[family]) ^ (chance.getrandbits(bits) & chance.getrandbits(bits) & ((1 << bits // 2) - 1))
        return number >> (bits - length) << (bits - length), length, family

    def ports():
        chosen = chance.choice(PORTS)
        low = chance.randrange(65536)
        return chosen or (low, chance.choice((low, low, min(65535, low + chance.randrange(3000)))))

    rules = []
    for _ in range(count):
        family = 4 if chance.random() < 0.6 else 6
        protocol = chance.choice((TCP, TCP, TCP, UDP, UDP, None, 1 if family == 4 else 58))
        with_ports = protocol in (TCP, UDP, None)
        rules.append((prefix(family), prefix(family), ports() if with_ports and chance.random() < 0.3 else ANY_PORT, ports() if with_ports else ANY_PORT, protocol))
    return rules


def packets_for(rules, count, seed):
    """Most of them in the corner of some rule, as ClassBench's traces are."""
    chance = random.Random(seed)
    packets = []
    for _ in range(count):
        source, destination, sports, dports, protocol = chance.choice(rules)
        family = next((prefix[2] for prefix in (source, destination) if prefix), chance.choice((4, 6)))
        bits = 32 if family == 4 else 128

        def address(prefix):
            if not prefix or prefix[2] != family:
                return chance.getrandbits(bits)
            rest = (1 << (bits - prefix[1])) - 1
            return prefix[0] | chance.choice((0, rest, chance.getrandbits(bits) & rest))

        def port(ports):
            return min(65535, max(0, chance.choice((ports[0], ports[1], chance.randint(*ports), ports[1] + 1, ports[0] - 1))))

        if protocol is None:
            protocol = chance.choice((TCP, UDP, 1 if family == 4 else 58))
        packets.append((address(source), address(destination), port(sports), port(dports), protocol, family))
    return packets
