# Under examples/web_edge, which passes next to nothing, hosts still find each other: ARP and neighbour discovery are answered in
# both directions while the ping itself is dropped; and no other ICMPv6 message passes with them.
import world
from frames import ARP, ICMP6, arp, ethernet, icmp, icmp6, ip, parse, vlan
from world import MODES, cases

FAMILIES = {4: ("192.0.2.1", "192.0.2.9"), 6: ("2001:db8:42::1", "2001:db8:42::9")}


def rule_of(packet):
    """web_edge's rule for pings and what they need."""
    return "neighbors" if packet.kind == ARP or packet.proto == ICMP6 and 133 <= packet.type <= 137 else "default"


def neighbours(device, *where):
    """Addresses that the host knows a link-layer address of."""
    return {line.split()[0] for line in world.sh("ip", *where, "neigh", "show", "dev", device).splitlines() if "lladdr" in line}


class Neighbors(world.LiveTest):
    def counts_as_sent(self, capture):
        rules = [rule_of(parse(frame)) for frame in capture.frames()]
        return {rule: rules.count(rule) for rule in rules}

    @cases(mode=MODES)
    def test_a_fresh_neighbour_is_found_but_its_ping_is_not_answered(self, mode):
        cable = self.cable(up=False)
        cable.addresses(["192.0.2.1/24", "2001:db8:42::1/64"], ["192.0.2.9/24", "2001:db8:42::9/64"])
        self.attach(world.example("web_edge"), mode)
        capture = self.capture(cable)
        cable.up()
        for here, there in FAMILIES.values():
            self.assertNotIn(here, neighbours("edge0", "-n", "peer"))
            with world.namespace("peer"):
                self.assertNotEqual(world.status("ping", "-c", "2", "-i", "0.2", "-W", "0.3", here), 0)
            self.assertIn(here, neighbours("edge0", "-n", "peer"), "the answer to the peer's question came through")
            world.sh("ip", "neigh", "flush", "dev", "edge0")
            world.status("ping", "-c", "1", "-W", "0.3", there)
            self.assertIn(there, neighbours("edge0"), "the peer's answer came through")
        sent, counts = world.eventually(lambda: (self.counts_as_sent(capture), self.rules()), lambda both: both[0] == both[1])
        self.assertEqual(counts, sent)
        self.assertGreaterEqual(counts["neighbors"], 4, "a question and an answer of each family")
        self.assertGreaterEqual(counts["default"], 4, "the pings")

    @cases(mode=MODES)
    def test_which_messages_are_neighbour_discovery(self, mode):
        cable = self.cable()
        self.attach(world.example("web_edge"), mode)
        message = lambda kind: ip(icmp6(kind, body=bytes(20)), "2001:db8:42::9")  # noqa: E731
        frames = [("pass by neighbors", frame) for frame in (arp(), vlan(arp(), 7), *map(message, (133, 135, 137)))]
        frames += [("drop by default", message(kind)) for kind in (1, 128, 129, 132, 138, 143)]
        frames += [("drop by default", ip(icmp(kind), "192.0.2.9")) for kind in (8, 135)]
        self.expect_each(cable, [(expected, ethernet(frame)) for expected, frame in frames])


world.main()
