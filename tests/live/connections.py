# TCP connections through a policy: they really succeed or really fail, and the counters say exactly what was sent: every
# frame that left the peer is read by a plain Python model of the policy.
import errno
import ipaddress
import random
import select
import socket
import threading
import time

import world
from frames import ACK, ARP, ICMP6, SYN, TCP, parse
from world import MODES, cases

HOST = {4: "192.0.2.1", 6: "2001:db8:42::1"}
MANAGEMENT = {4: "192.0.2.9", 6: "2001:db8:42::9"}
ELSEWHERE = {4: "203.0.113.5", 6: "2001:db8:99::5"}
OFFICE = [ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8:42::/48")]
FAMILIES = (4, 6)

GUARD = """
const office = { 192.0.2.0/24, 2001:db8:42::/48 }

policy guard {
    neighbors: pass when arp or nd
    knock:     pass when tcp.dport == 22 and tcp.syn and ip.src in office
    session:   pass when tcp.dport == 22 and ip.src in office
    closed:    drop when tcp.dport == 22
    web:       pass when tcp.dport == 80
    default drop
}
"""


def guard_rule(packet):
    """The rule that decides, for the policy above."""
    if packet.kind == ARP or packet.proto == ICMP6 and 133 <= packet.type <= 137:
        return "neighbors"
    if packet.proto != TCP:
        return "default"
    if packet.dport == 22 and any(packet.src in network for network in OFFICE):
        return "knock" if packet.flags & SYN else "session"
    return {22: "closed", 80: "web"}.get(packet.dport, "default")


def counted(capture, rule_of):
    """Packets by rule of all frames that were sent, as the model has it."""
    counts = {}
    for frame in capture.frames():
        rule = rule_of(parse(frame))
        counts[rule] = counts.get(rule, 0) + 1
    return counts


class Connections(world.LiveTest):
    def network(self, **options):
        """Two hosts; the policy has to be attached before the ends are up, so that capture and counters see the same."""
        cable = self.cable(up=False, **options)
        cable.addresses(["192.0.2.1/24", "2001:db8:42::1/64"], ["192.0.2.9/24", "203.0.113.5/32", "2001:db8:42::9/64", "2001:db8:99::5/128"])
        return cable

    def bring_up(self, cable):
        cable.up()
        world.sh("ip", "route", "add", "203.0.113.0/24", "dev", cable.device)
        world.sh("ip", "route", "add", "2001:db8:99::/64", "dev", cable.device)

    def expect_as_sent(self, capture, rule_of):
        """Counters and model agree, and go on to agree while stragglers come in."""
        sent, counts = world.eventually(lambda: (counted(capture, rule_of), self.rules()), lambda both: both[0] == both[1])
        self.assertEqual(counts, sent)
        return counts

    def listen(self, *ports, address="::"):
        """Listening is enough: the kernel completes the handshakes."""
        for port in ports:
            self.addCleanup(socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100).close)

    def expect_connections(self, expected, timeout=0.7):
        """(family, source, port) to whether it connects, all at once; the others must time out, not be refused."""
        pending = []
        with world.namespace("peer"):
            for (family, source, port), connects in expected:
                client = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
                self.addCleanup(client.close)
                client.bind((source, 0))
                client.setblocking(False)
                self.assertEqual(client.connect_ex((HOST[family], port)), errno.EINPROGRESS)
                pending.append((client, connects, f"from {source} to port {port}"))
        deadline = time.monotonic() + timeout
        for client, connects, what in sorted(pending, key=lambda attempt: not attempt[1]):
            patience = world.PATIENCE if connects else max(0, deadline - time.monotonic())
            finished = bool(select.select([], [client], [], patience)[1])
            self.assertEqual((finished, client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)), (connects, 0), what)
            client.close()

    @cases(mode=MODES)
    def test_ssh_for_management_only_and_exact_counts(self, mode):
        cable = self.network()
        self.attach(world.policy_file("guard.xf", GUARD), mode)
        capture = self.capture(cable)
        self.bring_up(cable)
        self.listen(22, 80, 8080)
        attempts = [(f, source[f], port) for f in FAMILIES for source in (MANAGEMENT, ELSEWHERE) for port in (22, 80, 8080)]
        self.expect_connections([(to, to[2] == 80 or to[2] == 22 and to[1] == MANAGEMENT[to[0]]) for to in attempts])
        counts = self.expect_as_sent(capture, guard_rule)
        self.assertGreaterEqual(counts["knock"], 2, "a SYN of each family")
        self.assertGreaterEqual(counts["session"], 4, "the handshake's ACK and the FIN of each family")
        self.assertGreaterEqual(counts["closed"], 2)

    @cases(mode=MODES, family=FAMILIES)
    def test_bytes_are_counted_as_they_were_on_the_wire(self, mode, family):
        cable = self.network()
        self.attach(world.policy_file("guard.xf", GUARD), mode)
        capture = self.capture(cable)
        self.bring_up(cable)
        self.listen(22)
        self.expect_connections([((family, MANAGEMENT[family], 22), True)])
        self.expect_as_sent(capture, guard_rule)
        wire = sum(len(frame) for frame in capture.frames() if guard_rule(parse(frame)) == "session")
        self.assertEqual(self.counters()["rules"]["session"]["bytes"], wire)

    @cases(mode=MODES, family=FAMILIES)
    def test_data_flows_in_both_directions(self, mode, family):
        cable = self.network()
        self.attach(world.policy_file("guard.xf", GUARD), mode)
        capture = self.capture(cable)
        self.bring_up(cable)
        self.transfer(family, 22, 300_000)
        self.expect_as_sent(capture, guard_rule)

    def transfer(self, family, port, size):
        """That many bytes from the peer and back."""
        server = socket.create_server((HOST[family], port), family=socket.AF_INET if family == 4 else socket.AF_INET6)
        with server, world.namespace("peer"):
            client = socket.create_connection((HOST[family], port), timeout=world.PATIENCE, source_address=(MANAGEMENT[family], 0))
            other = server.accept()[0]
        data = random.Random(1).randbytes(size)
        with client, other:
            for sender, receiver in ((client, other), (other, client)):
                thread = threading.Thread(target=sender.sendall, args=(data,))
                thread.start()
                receiver.settimeout(world.PATIENCE)
                received = b""
                while len(received) < size:
                    received += receiver.recv(size)
                thread.join()
                self.assertTrue(received == data)

    @cases(mode=MODES)
    def test_syn_counter_counts_attempts_of_each_source(self, mode):
        cable = self.network()
        self.attach(world.example("syn_counter"), mode)
        capture = self.capture(cable)
        self.bring_up(cable)
        self.listen(80)
        attempts = [(f, source[f], 80) for f in FAMILIES for source in (MANAGEMENT, ELSEWHERE) for _ in range(source is MANAGEMENT and 3 or 1)]
        self.expect_connections([(attempt, True) for attempt in attempts])
        first = lambda packet: packet.proto == TCP and packet.flags & (SYN | ACK) == SYN  # noqa: E731
        self.expect_as_sent(capture, lambda packet: "syn" if first(packet) else "default")
        keys = self.counters()["counters"]["syns_per_source"]["keys"]
        sources = [str(packet.src) for packet in map(parse, capture.frames()) if first(packet)]
        self.assertEqual({key["key"]: key["packets"] for key in keys}, {source: sources.count(source) for source in sources})
        self.assertEqual(len(keys), 4)


world.main()
