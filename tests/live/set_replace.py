# `xdpc set replace` and `flush`: all packets meet the old contents or the new ones, whole; what else the policy has goes
# on; sets of a hundred thousand and of a million elements.
import itertools
import json
import pathlib
import threading
import time

import world
from frames import ACK, ethernet, ip, tcp, udp

POLICY = """
set hosts of ip { capacity 250k }
set nets of ip.prefix { capacity 250k }
counter seen
policy front {
    host: drop when ip.src in hosts
    net:  drop when ip.src in nets
    trap: when udp.dport == 9 { add ip.src to nets for 1h; count seen; pass }
    default pass
}
"""


def packet(source):
    return ethernet(ip(tcp(dport=80, flags=ACK), source))


class Replace(world.LiveTest):
    def setUp(self):
        self.link = self.cable()
        self.policy = world.policy_file("front.xf", POLICY)
        self.attach(self.policy)

    def set(self, command, name, *arguments, code=0, text=None):
        return self.xdpc("set", command, name, "--dev", "edge0", *arguments, code=code, input=text)

    def test_contents_are_replaced_and_everything_else_stays(self):
        self.set("add", "hosts", "192.0.2.1", "192.0.2.2", "--comment", "old")
        self.set("add", "nets", "203.0.113.0/24")
        self.link.send([packet("203.0.113.9")] * 3 + [ethernet(ip(udp(dport=9), "198.51.100.9"))])
        self.expect_rules({"net": 3, "trap": 1})
        before = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))
        self.set("replace", "hosts", "192.0.2.2", "2001:db8::2", "--for", "1h", "--comment", "new")
        self.assertTrue(all(left > 3500 for left in self.elements("hosts").values()))
        self.assertEqual(set(self.elements("hosts")), {"192.0.2.2", "2001:db8::2"})
        self.assertEqual(set(self.elements("nets")), {"203.0.113.0/24", "198.51.100.9"})
        self.expect_each(self.link, [("pass by default", packet("192.0.2.1")), ("drop by host", packet("192.0.2.2")),
                                     ("drop by net", packet("198.51.100.9"))])
        self.assertEqual(self.rules(), {"net": 4, "trap": 1, "host": 1, "default": 1})
        after = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))
        for same in ("policy", "file", "since", "source_sha256"):
            self.assertEqual(before[same], after[same])
        self.set("replace", "nets", "192.0.2.0/25", "2001:db8:99::/48", "198.51.100.10")
        self.expect_each(self.link, [("pass by default", packet("203.0.113.9")), ("pass by default", packet("198.51.100.9")),
                                     ("drop by net", packet("192.0.2.99")), ("drop by net", packet("2001:db8:99::1")),
                                     ("drop by net", packet("198.51.100.10"))])
        comments = json.loads(self.set("list", "hosts", "--json"))["elements"]
        self.assertEqual({e["comment"] for e in comments}, {"new"})
        self.set("flush", "hosts")
        self.set("flush", "nets")
        self.assertEqual((self.elements("hosts"), self.elements("nets")), ({}, {}))
        self.expect_each(self.link, [("pass by default", packet("192.0.2.2")), ("pass by default", packet("2001:db8:99::1"))])

    def test_the_history_is_the_policys(self):
        """Contents are no generations: the way back is to the policy before."""
        self.attach(world.policy_file("other.xf", POLICY.replace("front", "second")))
        for number in range(5):
            self.set("replace", "hosts", f"192.0.2.{number}")
        kept = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["generations"]
        self.assertEqual([one["policy"] for one in kept], ["front", "second"])
        self.xdpc("rollback", "--dev", "edge0")
        self.assertEqual(self.attached()[0]["policy"], "front")
        self.assertEqual(set(self.elements("hosts")), {"192.0.2.4"})

    def test_no_packet_meets_half_of_it(self):
        """Each content has one half of the sources; of any pair of packets, one of each half, exactly one is dropped."""
        halves = [[f"10.{half}.{n >> 8}.{n & 255}" for n in range(5000)] for half in (0, 1)]
        files = [world.policy_file(f"half{half}.txt", "\n".join(halves[half])) for half in (0, 1)]
        self.set("load", "hosts", files[0])
        stop = threading.Event()
        sent = [0]

        def traffic():
            pairs = itertools.cycle(zip(halves[0], halves[1]))
            with self.link.packet_socket() as link:
                while not stop.is_set():
                    for _ in range(64):
                        for source in next(pairs):
                            link.send(packet(source))
                            sent[0] += 1
                    time.sleep(0.001)

        sender = threading.Thread(target=traffic)
        sender.start()
        changes = 0
        try:
            for number in range(20):
                self.set("replace", "hosts", "--file", files[(number + 1) % 2])
                changes += 1
        finally:
            stop.set()
            sender.join()
        counts = world.eventually(self.rules, lambda now: sum(now.values()) + self.link.dropped() >= sent[0])
        self.assertEqual(sum(counts.values()) + self.link.dropped(), sent[0])
        # A pair that a change comes between may differ by one; and so may one of which the queue had no room for a half.
        self.assertLessEqual(abs(counts["host"] - counts["default"]), 2 * changes + self.link.dropped())

    def test_a_hundred_thousand(self):
        path = world.policy_file("many.txt", "\n".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(100000)))
        self.set("replace", "hosts", "--file", path)
        self.assertEqual(len(self.elements("hosts")), 100000)
        self.expect_each(self.link, [("drop by host", packet("10.1.134.159")), ("pass by default", packet("10.1.134.160"))])

    def test_a_million(self):
        self.attach(world.policy_file("front.xf", "set hosts of ip { capacity 1M }\npolicy front { host: drop when ip.src in hosts; default pass }"))
        path = world.policy_file("many.txt", "\n".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(1000000)))
        self.set("load", "hosts", path, "--replace")
        self.expect_each(self.link, [("drop by host", packet("10.15.66.63")), ("pass by default", packet("10.15.66.64"))])
        self.assertEqual(self.set("list", "hosts", "--json-lines").count("\n"), 1000000)

    def test_what_is_refused_changes_nothing(self):
        self.set("add", "hosts", "192.0.2.1")
        many = "\n".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(250001))
        self.assertIn("250000", self.set("replace", "hosts", "--file", "-", code=3, text=many))
        self.assertEqual(self.elements("hosts"), {"192.0.2.1": None})
        self.assertIn("did you mean `hosts`?", self.set("replace", "host", "192.0.2.7", code=4))

    def trial(self, seconds):
        """Of a policy that shares `hosts` and whose `nets` are larger; with both replaced meanwhile."""
        self.set("add", "hosts", "192.0.2.1", "192.0.2.2")
        self.set("add", "nets", "203.0.113.0/24", "2001:db8:99::/48")
        larger = POLICY.replace("nets of ip.prefix { capacity 250k", "nets of ip.prefix { capacity 251k").replace("policy front", "policy second")
        self.xdpc("attach", world.policy_file("second.xf", larger), "--dev", "edge0", "--confirm", seconds, "-Wno-protect-unproved")
        self.assertIn("250000", self.set("replace", "hosts", "--file", "-", code=3, text="\n".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(250001))))
        self.assertEqual(set(self.elements("hosts")), {"192.0.2.1", "192.0.2.2"})
        said = world.run("set", "replace", "hosts", "192.0.2.2", "2001:db8::2", "--dev", "edge0")
        self.assertEqual((said.returncode, "front shares the set" in said.stderr), (0, True), said.stderr)
        said = world.run("set", "replace", "nets", "198.51.100.0/24", "2001:db8:98::/48", "--dev", "edge0")
        self.assertEqual((said.returncode, "front has the contents from before the trial" in said.stderr), (0, True), said.stderr)
        self.expect_hosts()

    def expect_hosts(self):
        self.assertEqual(set(self.elements("hosts")), {"192.0.2.2", "2001:db8::2"})
        self.expect_each(self.link, [("pass by default", packet("192.0.2.1")), ("drop by host", packet("192.0.2.2")), ("drop by host", packet("2001:db8::2"))])

    def expect_new_nets(self):
        self.assertEqual(set(self.elements("nets")), {"198.51.100.0/24", "2001:db8:98::/48"})
        self.expect_each(self.link, [("drop by net", packet("198.51.100.9")), ("drop by net", packet("2001:db8:98::9")),
                                     ("pass by default", packet("203.0.113.9")), ("pass by default", packet("2001:db8:99::9"))])

    def expect_old_nets(self):
        self.assertEqual(set(self.elements("nets")), {"203.0.113.0/24", "2001:db8:99::/48"})
        self.expect_each(self.link, [("pass by default", packet("198.51.100.9")), ("pass by default", packet("2001:db8:98::9")),
                                     ("drop by net", packet("203.0.113.9")), ("drop by net", packet("2001:db8:99::9"))])

    def test_during_a_trial_that_is_confirmed(self):
        self.trial("1h")
        self.expect_new_nets()
        self.xdpc("confirm", "--dev", "edge0")
        self.expect_hosts()
        self.expect_new_nets()

    def test_during_a_trial_that_is_ended(self):
        self.trial("1h")
        self.xdpc("rollback", "--dev", "edge0")
        self.assertEqual(self.attached()[0]["policy"], "front")
        self.expect_hosts()
        self.expect_old_nets()

    def test_during_a_trial_that_runs_out(self):
        self.trial("20s")
        state = lambda: (self.attached()[0]["trial"] or {}).get("state")  # noqa: E731
        self.assertEqual(world.eventually(state, lambda now: now == "returned", 40), "returned")
        self.expect_hosts()
        self.expect_old_nets()
        self.set("add", "nets", "192.0.2.128/25")  # the next command that changes something puts the old policy on the link
        self.assertIsNone(state())
        self.set("del", "nets", "192.0.2.128/25")
        self.expect_hosts()
        self.expect_old_nets()

    def test_a_first_empty_set_is_filled_for_both(self):
        """The policy from before, which shares the empty trie, has to know that there is something in it."""
        self.xdpc("attach", self.policy, "--dev", "edge0", "--confirm", "1h", "-Wno-protect-unproved")
        self.set("replace", "nets", "198.51.100.0/24")
        self.expect_each(self.link, [("drop by net", packet("198.51.100.9"))])
        self.xdpc("rollback", "--dev", "edge0")
        self.expect_each(self.link, [("drop by net", packet("198.51.100.9"))])
        self.set("flush", "nets")
        self.expect_each(self.link, [("pass by default", packet("198.51.100.9"))])

    def test_a_command_waits_for_another_one(self):
        folder = next(path for path in pathlib.Path("/sys/fs/bpf/xdpc").iterdir())
        for command in (("add", "hosts", "192.0.2.1"), ("replace", "hosts", "192.0.2.2")):
            with world.locked(folder):
                process = self.start("set", *command, "--dev", "edge0")
                call = lambda: pathlib.Path(f"/proc/{process.pid}/syscall").read_text().split()[0]  # noqa: B023, E731
                self.assertEqual(world.eventually(call, lambda number: number == "230"), "230")  # clock_nanosleep
                self.assertEqual(set(self.elements("hosts")), {"192.0.2.1"} if command[0] == "replace" else set())
            self.assertEqual(process.wait(), 0)
        self.assertEqual(set(self.elements("hosts")), {"192.0.2.2"})


world.main()
