# Packets that go elsewhere: to another device, to a chosen CPU, to a program with an AF_XDP socket, back where they came from;
# and connections through addresses and ports that are rewritten on the way, whose checksums the receiving stack checks.
import os
import pathlib
import socket
import subprocess
import threading

import world
from frames import ethernet, ip, parse, udp, vlan
from world import MODES, cases

def full_checksums():
    """A veth's senders leave checksums to the device, that is to nobody, and the receiver does not look at them."""
    for where in ([], ["ip", "netns", "exec", "peer"]):
        world.sh(*where, "ethtool", "-K", "edge0", "tx", "off")


PASS = "policy all { default pass }\n"


class Redirect(world.LiveTest):
    def second_cable(self):
        return self.cable(device="out0")

    def policy(self, text):
        return world.policy_file("p.xf", f"policy p {{\n{text}\n    default pass\n}}\n")

    def far_end_listens(self, device):
        """A veth takes what XDP sends only if its peer runs an XDP program, too."""
        self.xdpc("attach", world.policy_file("pass.xf", PASS), "--dev", device, "--netns", "peer")

    def counted(self, rule, number):
        self.assertEqual(world.eventually(lambda: self.rules().get(rule, 0), lambda now: now >= number), number)

    @cases(mode=MODES)
    def test_to_a_device(self, mode):
        cable, out = self.cable(), self.second_cable()
        self.far_end_listens("out0")
        self.attach(self.policy('    tap: redirect to dev "out0" when udp.dport == 7'), mode)
        arrived = world.Capture(out, "peer")
        self.addCleanup(arrived.close)
        arrived.outgoing = False
        frames = [ethernet(ip(udp(dport=7, payload=bytes([i])), "203.0.113.5")) for i in range(20)]
        cable.send(frames + [ethernet(ip(udp(dport=8), "203.0.113.5"))])
        self.counted("tap", 20)
        self.counted("default", 1)
        self.assertEqual(world.eventually(arrived.frames, lambda seen: len(seen) >= 20), frames)

    def test_a_device_that_is_missing(self):
        self.cable()
        self.second_cable()
        error = self.xdpc("attach", self.policy('    a: redirect to dev "out1"'), "--dev", "edge0", code=4)
        self.assertIn("the policy redirects to `out1`: there is no device `out1`", error)
        self.assertIn("out0", error)
        self.assertEqual(self.attached(), [])

    def test_a_device_that_goes(self):
        cable, out = self.cable(), self.second_cable()
        self.attach(self.policy('    a: redirect to dev "out0" when udp'))
        out.remove()
        behind = self.capture(cable, None)
        cable.send([ethernet(ip(udp(), "203.0.113.5"))] * 5)
        self.counted("a", 5)
        self.assertEqual(behind.frames(), [])

    def test_a_device_in_the_namespace_of_the_other(self):
        self.cable()
        self.second_cable()
        policy = self.policy('    a: redirect to dev "out0" when udp')
        self.xdpc("attach", policy, "--dev", "edge0", "--netns", "peer")
        self.xdpc("detach", "--dev", "edge0", "--netns", "peer")

    @cases(cpu=(0, 1))  # native alone: Linux 6.18 hands generic mode's packets to the CPU and then takes their headers for broken
    def test_to_a_cpu(self, cpu):
        if (os.cpu_count() or 1) < 2:
            self.skipTest("one CPU")
        cable = self.cable()
        cable.addresses(["192.0.2.1/24"], ["192.0.2.9/24"])
        full_checksums()
        self.attach(self.policy(f"    a: redirect to cpu {cpu} when udp.dport == 7000"), "native")
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(("192.0.2.1", 7000))
        receiver.settimeout(world.PATIENCE)
        with world.namespace("peer"):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        with world.namespace("peer"):
            sender.bind(("192.0.2.9", 7001))
        receiver.connect(("192.0.2.9", 7001))  # the kernel notes the CPU of connected sockets alone
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {1 - cpu})  # where it would be handled otherwise
        self.addCleanup(os.sched_setaffinity, 0, before)
        for number in range(10):
            sender.sendto(bytes([number]), ("192.0.2.1", 7000))
            self.assertEqual(receiver.recv(10), bytes([number]))
            self.assertEqual(receiver.getsockopt(socket.SOL_SOCKET, 49), cpu)  # SO_INCOMING_CPU
        self.counted("a", 10)

    def test_a_cpu_that_is_missing(self):
        self.cable()
        error = self.xdpc("attach", self.policy("    a: redirect to cpus 0-4000 when udp"), "--dev", "edge0", code=4)
        self.assertIn("the policy redirects to CPU", error)
        self.assertIn("which this machine does not have", error)
        self.assertEqual(self.attached(), [])

    def listen(self, *options):
        """The example's receiver; its lines go to the file that is given back."""
        out = open("/run/test/received", "w+")
        program = pathlib.Path(world.xdpc_program).parent.parent / "examples" / "receive"
        process = subprocess.Popen([program, "edge0", "analyzer", *options], stdout=out, stderr=subprocess.STDOUT, preexec_fn=world.die_with_parent)
        self.addCleanup(out.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        lines = lambda: pathlib.Path("/run/test/received").read_text().splitlines()  # noqa: E731
        self.assertEqual(world.eventually(lines, bool)[:1], ["ready"])
        return process, lines

    @cases(mode=MODES)
    def test_to_a_socket(self, mode):
        cable = self.cable()
        policy = self.policy("    a: redirect to socket analyzer when udp.dport == 7")
        self.attach(policy, mode)
        frames = [ethernet(vlan(ip(udp(dport=7, payload=bytes([i] * 30)), "203.0.113.5"), 9)) for i in range(10)]
        self.expect_judged(cable, "pass by a", frames[0])  # nobody listens
        process, lines = self.listen()
        cable.send(frames)
        told = [f"{len(frame)} bytes: {frame.hex()}" for frame in frames]
        self.assertEqual(world.eventually(lines, lambda seen: len(seen) > 10)[1:], told)
        # The socket stays through a swap.
        self.assertIn("in place of", self.attach(policy))
        cable.send(frames[:1])
        self.assertEqual(world.eventually(lines, lambda seen: len(seen) > 11)[1:], told + told[:1])
        process.kill()
        process.wait()
        self.assertEqual(world.eventually(lambda: self.passes(cable, frames[0]), bool), True)

    def passes(self, cable, frame):
        behind = self.capture(cable, None)
        cable.send([frame])
        return world.eventually(lambda: frame in behind.frames(), bool, 0.5)

    @cases(mode=MODES)
    def test_tx_comes_back(self, mode):
        cable = self.cable()
        self.far_end_listens("edge0")
        self.attach(self.policy("    a: when udp.dport == 7 { (eth.src, eth.dst) = (eth.dst, eth.src); push vlan(id = 9); tx }"), mode)
        back = world.Capture(cable, "peer")
        self.addCleanup(back.close)
        back.outgoing = False
        inner = ip(udp(dport=7), "2001:db8:99::5")
        cable.send([ethernet(inner, dst="02005e005302")])
        wanted = [ethernet(vlan(inner, 9), src="02005e005302", dst="02005e005301")]
        self.assertEqual(world.eventually(back.frames, bool), wanted)
        self.assertEqual(parse(wanted[0]).kind, 0x8100)


NAT = """
policy nat {{
    there: when ip.dst == {front} and {proto}.dport == 80 {{ ({family}.dst, {proto}.dport) = ({inner}, 8080); ip.ttl = ip.ttl - 1; ip.dscp = 46 }}
    default pass
}}
"""
BACK = """
policy back {{
    again: when ip.src == {inner} and {proto}.sport == 8080 {{ ({family}.src, {proto}.sport) = ({front}, 80) }}
    default pass
}}
"""
ADDRESSES = {"ipv4": ("192.0.2.80", "192.0.2.1", socket.AF_INET), "ipv6": ("2001:db8:42::80", "2001:db8:42::1", socket.AF_INET6)}


class Rewritten(world.LiveTest):
    """Clients in the peer talk to an address and port that nobody has; both ways are rewritten."""

    def gateway(self, mode, family, proto):
        cable = self.cable()
        cable.addresses(["192.0.2.1/24", "2001:db8:42::1/64"], ["192.0.2.9/24", "2001:db8:42::9/64"])
        full_checksums()
        front, inner, _ = ADDRESSES[family]
        mac = world.sh("ip", "-br", "link", "show", "edge0").split()[2]
        world.sh("ip", "-n", "peer", "neigh", "add", front, "lladdr", mac, "dev", "edge0")
        names = {"front": front, "inner": inner, "family": family, "proto": proto}
        self.attach(world.policy_file("nat.xf", NAT.format(**names)), mode)
        self.xdpc("attach", world.policy_file("back.xf", BACK.format(**names)), "--dev", "edge0", "--netns", "peer", "--mode", mode)
        return cable

    def echo(self, kind, family):
        """A server on 8080 of this host that sends back what it gets."""
        server = socket.socket(family, kind)
        self.addCleanup(server.close)
        server.bind(("192.0.2.1" if family == socket.AF_INET else "2001:db8:42::1", 8080))
        server.settimeout(world.PATIENCE)
        if kind == socket.SOCK_DGRAM:
            work = lambda: [server.sendto(*server.recvfrom(4096)) for _ in range(20)]  # noqa: E731
        else:
            server.listen()
            work = lambda: self.serve(server)  # noqa: E731
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 1)

    @staticmethod
    def serve(server):
        connection, _ = server.accept()
        connection.settimeout(world.PATIENCE)
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def client(self, kind, family):
        with world.namespace("peer"):
            client = socket.socket(family, kind)
        self.addCleanup(client.close)
        client.settimeout(world.PATIENCE)
        return client

    @cases(mode=MODES, family=("ipv4", "ipv6"))
    def test_udp(self, mode, family):
        self.gateway(mode, family, "udp")
        front, _, number = ADDRESSES[family]
        self.echo(socket.SOCK_DGRAM, number)
        client = self.client(socket.SOCK_DGRAM, number)
        client.connect((front, 80))
        for size in range(20):
            sent = bytes(range(size * 7))
            client.send(sent)
            self.assertEqual(client.recv(4096), sent)

    @cases(mode=MODES, family=("ipv4", "ipv6"))
    def test_tcp(self, mode, family):
        self.gateway(mode, family, "tcp")
        front, _, number = ADDRESSES[family]
        self.echo(socket.SOCK_STREAM, number)
        client = self.client(socket.SOCK_STREAM, number)
        client.connect((front, 80))
        sent = os.urandom(300_000)
        threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
        got = b""
        while len(got) < len(sent) and (data := client.recv(65536)):
            got += data
        self.assertEqual(got, sent)


world.main()
