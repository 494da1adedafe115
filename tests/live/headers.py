# Frames of every shape, each counted by exactly the expected rule: tags, IPv4 options, IPv6 extension headers, fragments, what is
# malformed or cut short, ports and lengths; and an interface with a large MTU, whose frames XDP sees in pieces.
import random
import socket
import threading

import world
from frames import (ACK, DESTINATION, HOP_BY_HOP, PSH, QINQ, SYN, dns, ethernet, fragment_header, icmp, ip, ipv4, ipv6, options_header,
                    routing_header, tcp, udp, vlan)
from world import MODES, cases

MANAGEMENT, ELSEWHERE = ("192.0.2.9", "2001:db8:42::9"), ("203.0.113.5", "2001:db8:99::5")
SSH, WEB = tcp(dport=22, flags=ACK), tcp(dport=443, flags=ACK)
MANY_OPTIONS = bytes([1] * 39 + [0])

# examples/web_edge: what happens to the frame, and the frame.
PLAIN = [
    ("pass by ssh", lambda family: ip(SSH, MANAGEMENT[family])),
    ("drop by default", lambda family: ip(SSH, ELSEWHERE[family])),
    ("pass by web", lambda family: ip(WEB, ELSEWHERE[family])),
    ("pass by web", lambda family: ip(tcp(dport=80, flags=SYN), ELSEWHERE[family])),
    ("pass by web", lambda family: ip(tcp(dport=8000, flags=PSH | ACK, payload=b"GET / HTTP/1.0\r\n\r\n"), ELSEWHERE[family])),
    ("pass by web", lambda family: ip(tcp(dport=8099), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(tcp(dport=8100), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(tcp(dport=79), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(udp(dport=443), ELSEWHERE[family])),
    ("pass by web", lambda family: ip(tcp(dport=443, data_offset=15, options=bytes(40)), ELSEWHERE[family])),
    ("drop by dns_amp", lambda family: ip(udp(sport=53, payload=dns(payload=bytes(501))), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(udp(sport=53, payload=dns(payload=bytes(500))), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(udp(sport=53, payload=dns(qr=0, payload=bytes(600))), ELSEWHERE[family])),
    ("drop by default", lambda family: ip(udp(sport=54, payload=dns(payload=bytes(600))), ELSEWHERE[family])),
    # Tags, one and two; behind three nothing is known.
    ("pass by ssh", lambda family: vlan(ip(SSH, MANAGEMENT[family]), 7)),
    ("drop by default", lambda family: vlan(ip(SSH, ELSEWHERE[family]), 0xEFFF)),
    ("pass by web", lambda family: vlan(vlan(ip(WEB, ELSEWHERE[family]), 7), 13, QINQ)),
    ("drop by default", lambda family: vlan(vlan(vlan(ip(WEB, ELSEWHERE[family]), 7), 8), 9)),
    # The data offset says more than is there, or less than a header.
    ("drop by bogus", lambda family: ip(tcp(dport=443, data_offset=6), ELSEWHERE[family])),
    ("drop by bogus", lambda family: ip(tcp(dport=443, data_offset=4), ELSEWHERE[family])),
    ("drop by bogus", lambda family: ip(udp(length=7), ELSEWHERE[family])),
    ("drop by bogus", lambda family: ip(udp(length=9), ELSEWHERE[family])),
]

FOURTH = [
    ("pass by web", ipv4(WEB, options=bytes([1, 1, 1, 0]))),
    ("pass by web", ipv4(tcp(dport=443, data_offset=15, options=MANY_OPTIONS), options=MANY_OPTIONS)),
    ("pass by ssh", vlan(ipv4(SSH, src="192.0.2.9", options=MANY_OPTIONS), 7)),
    # A first fragment has ports; a later one has none, whatever stands there, and is not malformed.
    ("pass by web", ipv4(WEB, more=True)),
    ("drop by default", ipv4(WEB, offset=1)),
    ("drop by default", ipv4(SSH, src="192.0.2.9", offset=185, more=True)),
    ("drop by default", ipv4(icmp())),
    ("drop by bogus", ipv4(WEB, ihl=4)),
    ("drop by bogus", ipv4(WEB, ihl=15)),
    ("drop by bogus", ipv4(WEB, total=19)),
    ("drop by bogus", ipv4(WEB, total=41)),
    ("pass by web", ipv4(WEB, total=40)),
    ("pass by web", ipv4(WEB, ttl=0)),
]

SIXTH = [
    ("pass by web", ipv6(WEB, chain=[options_header(HOP_BY_HOP)])),
    ("pass by web", ipv6(WEB, chain=[options_header(DESTINATION, blocks=5)])),
    ("pass by ssh", ipv6(SSH, src=MANAGEMENT[1], chain=[options_header(HOP_BY_HOP), routing_header(), options_header(DESTINATION)])),
    ("pass by web", ipv6(WEB, chain=[options_header(HOP_BY_HOP), *[options_header(DESTINATION)] * 7])),
    ("drop by default", ipv6(WEB, chain=[options_header(HOP_BY_HOP), *[options_header(DESTINATION)] * 8])),
    ("pass by web", ipv6(WEB, chain=[options_header(DESTINATION, blocks=31)])),
    ("drop by default", ipv6(WEB, chain=[options_header(DESTINATION, blocks=32)])),
    ("pass by web", ipv6(WEB, chain=[fragment_header()])),
    ("pass by web", ipv6(WEB, chain=[fragment_header(more=True)])),
    ("drop by default", ipv6(WEB, chain=[fragment_header(offset=1)])),
    ("drop by default", ipv6(SSH, src=MANAGEMENT[1], chain=[options_header(HOP_BY_HOP), fragment_header(offset=181, more=True)])),
    ("drop by bogus", ipv6(WEB, payload_length=21)),
    ("pass by web", vlan(ipv6(WEB, chain=[options_header(HOP_BY_HOP)]), 7)),
]

# What is cut off behind so many bytes of a frame to port 443, and what is left of it.
CUT = [
    ("drop by default", 14 + 0, {"kind": 0x88B5}),
    ("drop by bogus", 14 + 19, {}),
    ("drop by bogus", 14 + 20, {}),
    ("drop by bogus", 14 + 39, {}),
]

LENGTHS = """
policy lengths {
    jumbo:  pass when pkt.len > 8000 and udp.dport == 9
    large:  pass when pkt.len > 1514 and l4.payload_len > 1472
    tcp:    pass when tcp
    arp:    pass when arp or nd
    default drop
}
"""


class Headers(world.LiveTest):
    @cases(mode=MODES, family=(4, 6))
    def test_each_frame_meets_its_rule(self, mode, family):
        cable = self.cable()
        self.attach(world.example("web_edge"), mode)
        frames = [(expected, build(0 if family == 4 else 1)) for expected, build in PLAIN] + (FOURTH if family == 4 else SIXTH)
        self.expect_each(cable, [(expected, ethernet(frame)) for expected, frame in frames])

    @cases(mode=MODES)
    def test_frames_that_break_off(self, mode):
        cable = self.cable()
        self.attach(world.example("web_edge"), mode)
        self.expect_each(cable, [(expected, ethernet(ipv4(WEB)._replace(**changes))[:length]) for expected, length, changes in CUT])

    @cases(mode=MODES)
    def test_a_large_mtu(self, mode):
        cable = self.cable(mtu=9000)
        self.attach(world.example("web_edge"), mode)
        (running,) = self.attached()
        self.assertEqual(running["mode"], mode)
        data = bytes(8000)
        for family in (0, 1):
            frames = [
                ("pass by web", ip(tcp(dport=443, flags=ACK, payload=data), ELSEWHERE[family])),
                ("pass by ssh", vlan(ip(tcp(dport=22, flags=ACK, payload=data), MANAGEMENT[family]), 7)),
                ("drop by dns_amp", ip(udp(sport=53, payload=dns(payload=data)), ELSEWHERE[family])),
                ("drop by default", ip(udp(sport=54, payload=dns(payload=data)), ELSEWHERE[family])),
                ("drop by bogus", ip(udp(payload=data, length=8009), ELSEWHERE[family])),
            ]
            self.expect_each(cable, [(expected, ethernet(frame)) for expected, frame in frames])

    @cases(mode=MODES)
    def test_lengths_and_bytes_of_large_frames(self, mode):
        cable = self.cable(mtu=9000)
        self.attach(world.policy_file("lengths.xf", LENGTHS), mode)
        sizes = {"pass by jumbo": 8001, "pass by large": 8000}
        for expected, size in sizes.items():
            for source in ELSEWHERE:
                frame = ethernet(ip(udp(payload=b""), source))
                frame = ethernet(ip(udp(payload=bytes(size - len(frame))), source))
                self.assertEqual(len(frame), size)
                self.expect_judged(cable, expected, frame)
        self.expect_judged(cable, "drop by default", ethernet(ip(udp(payload=bytes(1472)), ELSEWHERE[0])))
        self.expect_judged(cable, "pass by large", ethernet(ip(udp(payload=bytes(1473)), ELSEWHERE[0])))
        rules = self.counters()["rules"]
        self.assertEqual(rules["jumbo"], {"packets": 2, "bytes": 2 * 8001})
        self.assertEqual(rules["large"], {"packets": 3, "bytes": 2 * 8000 + 1515})

    @cases(mode=MODES, address=("192.0.2.1", "2001:db8:42::1"))
    def test_sockets_over_a_large_mtu(self, mode, address):
        cable = self.cable(mtu=9000)
        cable.addresses(["192.0.2.1/24", "2001:db8:42::1/64"], ["192.0.2.9/24", "2001:db8:42::9/64"])
        cable.settle()
        self.attach(world.policy_file("lengths.xf", LENGTHS), mode)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        data = random.Random(1).randbytes(500_000)
        self.check_datagram(family, address, data[:8000])
        self.check_stream(family, address, data)
        self.assertEqual(self.rules()["jumbo"], 1)

    def check_datagram(self, family, address, data):
        with socket.socket(family, socket.SOCK_DGRAM) as receiver:
            receiver.bind((address, 9))
            receiver.settimeout(world.PATIENCE)
            with world.namespace("peer"), socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.sendto(data, (address, 9))
            self.assertTrue(receiver.recv(65536) == data)

    def check_stream(self, family, address, data):
        with socket.create_server((address, 443), family=family) as server:
            with world.namespace("peer"):
                client = socket.create_connection((address, 443), timeout=world.PATIENCE)
            other = server.accept()[0]
        with client, other:
            thread = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
            thread.start()
            received = b"".join(iter(lambda: other.recv(1 << 20), b""))
            thread.join()
        self.assertTrue(received == data)


world.main()
