# checksums.py XDPC ENGINE: rewrites frames of every kind and judges what comes out by checksums computed anew, in Python:
# both families, TCP, UDP, ICMP, tags, options, odd payloads, and checksums that were wrong or absent before.
import itertools
import pathlib
import struct
import subprocess
import sys
import tempfile

folder = pathlib.Path(__file__).parent
sys.path[:0] = [str(folder.parent / "support"), str(folder.parent / "live")]
import machine  # noqa: E402
from frames import IPV4, IPV6, Layer, checksum, ethernet, icmp, icmp6, ipv4, ipv6, options_header, tcp, udp, vlan  # noqa: E402

POLICY = """
policy rewrite {
    both:  when ip { (ip.src, ip.dst) = (ip.dst, ip.src); ip.ttl = ip.ttl - 1; ip.dscp = 63; eth.src = 02:00:5e:00:53:09 }
    four:  when ipv4 { ipv4.src = ipv4.src/9; ipv4.id = ipv4.id + 0xffff; ipv4.dont_fragment = 1 }
    six:   when ipv6 { ipv6.src = ipv6.src/120; ipv6.flow_label = 0xfffff }
    tcp:   when tcp { (tcp.sport, tcp.dport) = (tcp.dport, tcp.sport); tcp.seq = tcp.seq - 77; tcp.flags = tcp.flags | 0x55; tcp.urgent = 1 }
    udp:   when udp { udp.sport = udp.sport + udp.dport; udp.dport = 65535 }
    names: when dns { dns.rcode = 3; dns.id = dns.id + 1; dns.qr = 1 }
    icmp:  when icmp { icmp.type = 0; icmp.seq = 0xffff }
    icmp6: when icmp6 { icmp6.code = icmp6.code + 1; icmp6.id = 3 }
    default pass
}
"""


def packets():
    for payload in (b"", b"x", b"abcdefg", bytes(40), b"\xff" * 41):
        yield tcp(payload=payload, dport=443, flags=2)
        yield tcp(payload=payload, options=b"\x01\x01\x01\x00", data_offset=6)
        for port in (53, 7, 65535):
            yield udp(payload=bytes(12) + payload, dport=port)
        yield icmp(payload=payload)
    for zero in range(0, 65536, 4099):  # sums that come out as 0, 0xffff and all between
        yield udp(payload=bytes(12) + struct.pack(">H", zero), dport=53)


def network(layer):
    if layer.kind != 1:
        chain = [options_header(0), options_header(60, 1)]
        yield ipv6(layer, src="2001:db8::ffff", dst="2001:db8:ffff::1")
        yield ipv6(layer, src="fe80::1", dst="ff02::1", chain=chain, ttl=1)
    yield ipv4(layer, src="255.255.255.254", dst="0.0.0.1")
    yield ipv4(layer, options=b"\x01\x01\x01\x00", ttl=1)


def frames():
    layers = itertools.chain(packets(), (icmp6(body=bytes(size)) for size in (4, 5, 40)))
    for layer in layers:
        for ip in [ipv6(layer)] if layer.kind == 58 else network(layer):
            yield ethernet(ip)
            yield ethernet(vlan(vlan(ip, 7), 8, 0x88A8))
    yield ethernet(ipv4(Layer(17, udp(payload=b"no checksum", dport=53).bytes)))  # no checksum over the pseudo header


def sums(frame):
    """What is left of each checksum: 0 where it is right; None for a UDP datagram without one. IP's first."""
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    (kind,) = struct.unpack_from(">H", frame, at)
    start = at + 2
    if kind == IPV4:
        proto, behind = frame[start + 9], start + (frame[start] & 15) * 4
        addresses, own = frame[start + 12 : start + 20], checksum(frame[start:behind])
    else:
        assert kind == IPV6
        proto, behind = frame[start + 6], start + 40
        addresses, own = frame[start + 8 : start + 40], 0
        while proto in (0, 60):
            proto, behind = frame[behind], behind + 8 * (frame[behind + 1] + 1)
    rest = frame[behind:]
    if proto == 17 and rest[6:8] == b"\0\0":
        return own, None
    pseudo = b"" if proto == 1 else addresses + struct.pack(">II", len(rest), proto)
    return own, checksum(pseudo + rest)


def spoiled(frame):
    """One bit of the last byte differs: the transport's checksum is wrong, and has to stay so."""
    return frame[:-1] + bytes([frame[-1] ^ 1])


def pcap(frames):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return out + b"".join(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame for frame in frames)


def read_pcap(data):
    at = 24
    while at < len(data):
        (size,) = struct.unpack_from("<8xI", data, at)
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def main(xdpc, engine):
    if engine.startswith("kernel"):
        machine.require("kernel")
    before = list(frames())
    before += [spoiled(frame) for frame in before]
    with tempfile.TemporaryDirectory() as name:
        here = pathlib.Path(name)
        (here / "rewrite.xf").write_text(POLICY)
        (here / "in.pcap").write_bytes(pcap(before))
        command = [xdpc, "run", here / "rewrite.xf", "--engine", engine, "--pcap", here / "in.pcap", "--write-pass", here / "out.pcap"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = list(read_pcap((here / "out.pcap").read_bytes()))
    problems = [] if len(after) == len(before) else [f"{len(before)} frames became {len(after)}"]
    for old, new in zip(before, after):
        if old == new:
            problems.append(f"unchanged: {old.hex()}")
        elif sums(old) != sums(new):
            problems.append(f"checksums {sums(old)} became {sums(new)}:\n  {old.hex()}\n  {new.hex()}")
    print(*problems[:5], sep="\n")
    print(f"{engine}: {len(before)} frames, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
