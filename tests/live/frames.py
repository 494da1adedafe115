# Frames byte by byte, from the inside out: ethernet(ipv4(tcp(dport=80, flags=SYN))). Lengths and checksums are right unless
# told otherwise. parse() is the way back, for captures: an independent, plain reading of what was sent.
import ipaddress
import struct
from collections import namedtuple

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
IPV4, IPV6, ARP, VLAN, QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60

# A header with its payload: what the layer outside has to know is the number that selects it and how it is checksummed.
Layer = namedtuple("Layer", "kind bytes checksum_at", defaults=(None,))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def tcp(sport=49152, dport=9, flags=0, payload=b"", data_offset=5, options=b""):
    header = struct.pack(">HHIIBBHHH", sport, dport, 1, 0, data_offset << 4, flags, 64240, 0, 0)
    return Layer(TCP, header + options + payload, 16)


def udp(sport=49152, dport=9, payload=b"", length=None):
    header = struct.pack(">HHHH", sport, dport, 8 + len(payload) if length is None else length, 0)
    return Layer(UDP, header + payload, 6)


def icmp(kind=8, code=0, payload=bytes(32)):
    return Layer(ICMP, struct.pack(">BBHHH", kind, code, checksum(struct.pack(">BBHHH", kind, code, 0, 1, 1) + payload), 1, 1) + payload)


def icmp6(kind=128, code=0, body=bytes(4)):
    return Layer(ICMP6, struct.pack(">BBH", kind, code, 0) + body, 2)


def dns(qr=1, payload=b""):
    return struct.pack(">HHHHHH", 7, qr << 15, 0, 0, 0, 0) + payload


def sealed(layer, pseudo):
    """The layer's bytes with the checksum over the pseudo header, where it has one."""
    if layer.checksum_at is None:
        return layer.bytes
    at = layer.checksum_at
    value = checksum(pseudo + struct.pack(">II", len(layer.bytes), layer.kind) + layer.bytes)
    return layer.bytes[:at] + struct.pack(">H", value or 0xFFFF) + layer.bytes[at + 2 :]


def ipv4(inner, src="203.0.113.5", dst="192.0.2.1", options=b"", offset=0, more=False, ihl=None, total=None, ttl=64):
    content = sealed(inner, packed(src) + packed(dst))
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(content) if total is None else total
    fields = [0x40 | ihl, 0, total, 1, more << 13 | offset, ttl, inner.kind, 0, packed(src), packed(dst)]
    header = struct.pack(">BBHHHBBH4s4s", *fields) + options
    return Layer(IPV4, header[:10] + struct.pack(">H", checksum(header)) + header[12:] + content)


def ipv6(inner, src="2001:db8:99::5", dst="2001:db8:42::1", chain=(), payload_length=None, ttl=64):
    """`chain`: extension headers as (number, bytes without the first), outermost first."""
    content = sealed(inner, packed(src) + packed(dst))
    kind = inner.kind
    for number, body in reversed(chain):
        content, kind = bytes([kind]) + body + content, number
    length = len(content) if payload_length is None else payload_length
    return Layer(IPV6, struct.pack(">IHBB16s16s", 6 << 28, length, kind, ttl, packed(src), packed(dst)) + content)


def options_header(number, blocks=0):
    """Hop-by-hop or destination options of 8 × (1 + blocks) bytes: padding."""
    return number, bytes([blocks, 1, min(255, 4 + 8 * blocks)]) + bytes(4 + 8 * blocks)


def routing_header():
    return ROUTING, bytes([0, 4, 0]) + bytes(4)


def fragment_header(offset=0, more=False):
    return FRAGMENT, struct.pack(">BHI", 0, offset << 3 | more, 7)


def vlan(inner, tag, kind=VLAN):
    return Layer(kind, struct.pack(">HH", tag, inner.kind) + inner.bytes)


def arp(sender="203.0.113.5", target="192.0.2.1"):
    mac = bytes.fromhex("02005e005301")
    return Layer(ARP, struct.pack(">HHBBH6s4s6s4s", 1, IPV4, 6, 4, 1, mac, packed(sender), bytes(6), packed(target)))


def ethernet(inner, dst="ffffffffffff", src="02005e005301"):
    return bytes.fromhex(dst) + bytes.fromhex(src) + struct.pack(">H", inner.kind) + inner.bytes


def ip(inner, src, dst=None, **fields):
    """The family of the source address; the destination is the tests' host if not given."""
    family = ipv6 if ":" in src else ipv4
    return family(inner, src=src, **(fields | ({"dst": dst} if dst else {})))


Packet = namedtuple("Packet", "kind src dst proto sport dport flags type", defaults=(None,) * 7)


def parse(frame):
    """What a frame without tags, options and extension headers but hop-by-hop is, field by field."""
    (kind,) = struct.unpack_from(">H", frame, 12)
    if kind == IPV4:
        proto, at = frame[23], 14 + (frame[14] & 15) * 4
        src, dst = frame[26:30], frame[30:34]
    elif kind == IPV6:
        proto, at = frame[20], 54
        src, dst = frame[22:38], frame[38:54]
        if proto == HOP_BY_HOP:
            proto, at = frame[54], 54 + 8 * (frame[55] + 1)
    else:
        return Packet(kind)
    packet = Packet(kind, ipaddress.ip_address(src), ipaddress.ip_address(dst), proto)
    if proto in (TCP, UDP):
        sport, dport = struct.unpack_from(">HH", frame, at)
        return packet._replace(sport=sport, dport=dport, flags=frame[at + 13] if proto == TCP else None)
    return packet._replace(type=frame[at])
