# State over swaps, as an operator sees it: what keeps its shape stays in its kernel map, what changes is copied, what cannot
# live on is refused by name; and under a flood every packet is counted once, in totals that hold over changes of layout.
import time

import world
from frames import ethernet, ip, udp
from world import cases

SWAPS = 24
HEAD = "counter seen { per ip.src  capacity 64 }\nset banned of ip { capacity 128  timeout 1h }\nmeter pace { per ip.src  rate 8 bps  burst 215B  capacity 64 }\n"
RULES = "  listed: drop when ip.src in banned\n  mail: drop when udp.dport == 25\n  web: when udp.dport == 80 { count seen; drop }\n  slow: drop when udp.dport == 53 over pace\n  default pass\n"


def policy(name, head=HEAD, rules=RULES):
    return world.policy_file(f"{name}.xf", f"{head}policy {name} {{\n{rules}}}\n")


def frame(port, source="203.0.113.5"):
    return ethernet(ip(udp(dport=port), source))


class Carry(world.LiveTest):
    def maps(self):
        import json

        return {use["name"]: use["id"] for use in json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["maps"]}

    def seen(self):
        return {key["key"]: key["packets"] for key in self.counters()["counters"]["seen"]["keys"]}

    def totals(self):
        counts = self.counters()
        return sum(cell["packets"] for cell in counts["rules"].values()) + counts["retired"]["packets"]

    def swap(self, file, *flags, code=0):
        return self.xdpc("attach", file, "--dev", "edge0", *flags, code=code)

    def test_the_same_shape_is_the_same_maps(self):
        cable = self.cable()
        self.attach(policy("first"))
        self.xdpc("set", "add", "banned", "203.0.113.9", "2001:db8:99::9", "--dev", "edge0")
        cable.send([frame(80), frame(80), frame(25), frame(80, "2001:db8:99::5"), frame(80, "203.0.113.9")])
        self.expect_rules({"web": 3, "mail": 1, "listed": 1})
        before = self.maps()
        self.swap(policy("second", rules=RULES.replace("dport == 25", "dport == 26")))
        self.expect_rules({"web": 3, "mail": 1, "listed": 1})
        self.assertEqual(self.seen(), {"203.0.113.5": 2, "2001:db8:99::5": 1})
        self.assertEqual(self.elements("banned"), {"203.0.113.9": None, "2001:db8:99::9": None})
        after = self.maps()
        kept = [name for name in before if before[name] == after.get(name)]
        self.assertEqual(len([name for name in kept if "banned" in name or "seen" in name or "pace" in name]), 3, kept)

    def test_what_changes_its_size_is_copied(self):
        cable = self.cable()
        self.attach(policy("first"))
        self.xdpc("set", "add", "banned", "203.0.113.9", "--dev", "edge0")
        self.xdpc("set", "add", "banned", "2001:db8:99::9", "--dev", "edge0", "--for", "10m")
        cable.send([frame(80), frame(80), frame(80, "2001:db8:99::5")] + [frame(53)] * 9)
        self.expect_rules({"web": 3, "slow": 4, "default": 5})
        larger = HEAD.replace("capacity 64", "capacity 6400").replace("capacity 128", "capacity 12800")
        for name, head in (("second", larger), ("third", HEAD)):
            self.swap(policy(name, head))
            self.assertEqual(self.seen(), {"203.0.113.5": 2, "2001:db8:99::5": 1})
            elements = self.elements("banned")
            self.assertEqual((set(elements), elements["203.0.113.9"]), ({"203.0.113.9", "2001:db8:99::9"}, None))
            self.assertTrue(590 - world.PATIENCE < elements["2001:db8:99::9"] <= 600, elements)
            before = self.rules()
            cable.send([frame(53)])
            grown = world.eventually(self.rules, lambda now: now != before)  # noqa: B023
            self.assertEqual(grown["slow"], before["slow"] + 1, "the bucket is as empty as it was")
            cable.send([frame(80, "203.0.113.9")])
            self.expect_rules({**grown, "listed": grown.get("listed", 0) + 1})
            cable.send([frame(80)])
            world.eventually(self.seen, lambda seen: seen["203.0.113.5"] == 3)
            self.assertEqual(self.seen(), {"203.0.113.5": 3, "2001:db8:99::5": 1})
            self.swap(policy("reset"), "--reset", "seen", "--reset", "mail")
            self.assertEqual(self.seen(), {})
            cable.send([frame(80), frame(80), frame(80, "2001:db8:99::5")])
            world.eventually(self.seen, lambda seen: sum(seen.values()) == 3)

    def hits(self):
        import json

        listed = json.loads(self.xdpc("set", "list", "banned", "--dev", "edge0", "--json"))["elements"]
        return {e["element"]: (e["packets"], e["bytes"]) for e in listed}

    @cases(prefixes=(False, True))
    def test_what_elements_counted_goes_on(self, prefixes):
        """In a set that is copied, over trials that stay and that do not, and into one that counts from now on."""
        cable = self.cable()
        source, other = "203.0.113.9", "2001:db8:99::9"
        first_key, second_key = ("203.0.113.0/24", "2001:db8:99::/48") if prefixes else (source, other)
        frames = [frame(80, source)] * 3 + [frame(80, other)]
        each = {address: len(frame(80, address)) for address in (source, other)}

        def expect(first, second):
            wanted = {first_key: (first, first * each[source]), second_key: (second, second * each[other])}
            self.assertEqual(world.eventually(self.hits, lambda now: now == wanted), wanted)

        head = HEAD.replace("banned of ip ", "banned of ip.prefix ") if prefixes else HEAD
        counting = head.replace("timeout 1h", "timeout 1h  count")
        larger = counting.replace("capacity 128", "capacity 12800")
        self.attach(policy("plain", head))
        self.xdpc("set", "add", "banned", first_key, second_key, "--dev", "edge0")
        self.swap(policy("first", counting))
        cable.send(frames)
        expect(3, 1)
        self.swap(policy("second", larger))
        expect(3, 1)
        cable.send(frames)
        expect(6, 2)
        self.swap(policy("third", counting), "--confirm", "600s")
        expect(6, 2)
        cable.send(frames)
        expect(9, 3)
        self.xdpc("rollback", "--dev", "edge0")
        expect(6, 2)
        self.swap(policy("fourth", counting), "--confirm", "600s")
        cable.send(frames)
        self.xdpc("confirm", "--dev", "edge0")
        expect(9, 3)
        self.xdpc("rollback", "--dev", "edge0")
        expect(9, 3)

    def test_what_the_text_declares_follows_the_text(self):
        self.cable()
        declared = "set banned of ip = { 192.0.2.1, 192.0.2.2 }\n"
        rules = "  listed: drop when ip.src in banned\n  default pass\n"
        self.attach(policy("first", declared, rules))
        self.xdpc("set", "add", "banned", "192.0.2.7", "--dev", "edge0")
        self.xdpc("set", "del", "banned", "192.0.2.2", "--dev", "edge0")
        self.swap(policy("same", declared, rules))
        self.assertEqual(set(self.elements("banned")), {"192.0.2.1", "192.0.2.7"}, "what was deleted by hand stays deleted")
        self.swap(policy("other", "set banned of ip = { 192.0.2.2, 192.0.2.3 }\n", rules))
        self.assertEqual(set(self.elements("banned")), {"192.0.2.3", "192.0.2.7"})

    def test_what_cannot_live_on_is_refused_by_name(self):
        cable = self.cable()
        self.attach(policy("first"))
        self.xdpc("set", "add", "banned", "203.0.113.9", "--dev", "edge0")
        cable.send([frame(80)])
        self.expect_rules({"web": 1})
        other = HEAD.replace("banned of ip", "banned of (ip, port)").replace("seen { per ip.src ", "seen { per udp.dport ")
        other = policy("second", other, RULES.replace("ip.src in banned", "(ip.src, udp.dport) in banned"))
        message = self.swap(other, code=3)
        self.assertIn("the set `banned`: its key was ip and is (ip, port)", message)
        self.assertIn("the counter `seen`: its key was ip and is", message)
        self.assertIn("--reset seen --reset banned", message)
        self.assertEqual(self.attached()[0]["policy"], "first")
        self.assertEqual(self.rules(), {"web": 1})
        self.swap(other, "--reset", "banned", "--reset", "seen")
        self.assertEqual((self.elements("banned"), self.seen(), self.rules()), ({}, {}, {"web": 1}))
        self.assertIn("neither policy has a `nothing`", self.swap(other, "--reset", "nothing", code=4))
        few = HEAD.replace("capacity 128", "capacity 2")
        self.swap(policy("first"), "--reset", "all")
        self.assertEqual(self.rules(), {}, "all of it started afresh")
        self.xdpc("set", "add", "banned", *(f"192.0.2.{n}" for n in range(100)), "--dev", "edge0")
        self.assertIn("the set `banned` has more elements than it is to hold", self.swap(policy("few", few), code=3))

    def test_what_becomes_something_else_is_refused_by_name(self):
        def named(declaration, use):
            return world.policy_file("kind.xf", f"{declaration}\npolicy kinds {{\n  it: {use}\n  default pass\n}}\n")

        kinds = {
            "set": ("set it_holds of ip { capacity 1k }", "drop when ip.src in it_holds"),
            "counter": ("counter it_holds { per ip.src }", "count it_holds when ip"),
            "meter": ("meter it_holds { rate 5 pps  per ip.src }", "drop when ip over it_holds"),
        }
        self.cable()
        self.attach(named(*kinds["set"]))
        self.xdpc("set", "add", "it_holds", "192.0.2.1", "--dev", "edge0")
        for kind in ("counter", "meter"):
            said = self.swap(named(*kinds[kind]), code=3)
            self.assertIn(f"the {kind} `it_holds`: it was a set", said)
            self.assertIn("--reset it_holds", said)
        self.assertIn("192.0.2.1", self.xdpc("set", "list", "it_holds", "--dev", "edge0"))
        self.swap(named(*kinds["counter"]), "--reset", "it_holds")
        self.assertIn("the set `it_holds`: it was a counter", self.swap(named(*kinds["set"]), code=3))
        self.xdpc("detach", "--dev", "edge0")

    def test_a_new_name_keeps_the_state(self):
        cable = self.cable()
        self.attach(policy("first"))
        self.xdpc("set", "add", "banned", "203.0.113.9", "--dev", "edge0")
        cable.send([frame(25), frame(80, "203.0.113.9")])
        self.expect_rules({"mail": 1, "listed": 1})
        head = HEAD.replace("set banned", "set blocked was banned")
        rules = RULES.replace("listed:", "block was listed:").replace("in banned", "in blocked")
        self.swap(policy("second", head, rules))
        self.assertEqual(self.rules(), {"mail": 1, "block": 1})
        self.assertEqual(set(self.elements("blocked")), {"203.0.113.9"})

    def test_every_packet_is_counted_over_changes_of_layout(self):
        cable = self.cable()
        files = [
            policy("first"),
            policy("second", rules="  extra: drop when udp.dport == 9\n" + RULES),
            policy("third", rules=RULES.replace("web:", "www was web:")),
            policy("fourth", rules="  drop when udp.dport == 80\n  default pass\n", head=""),
        ]
        self.attach(files[0])
        frames = [frame(port, source) for port in (80, 25, 9) for source in ("203.0.113.5", "2001:db8:99::5")] * 50
        rounds = 80
        sender = self.child(lambda: [cable.send(frames) for _ in range(rounds)])
        for swap in range(1, SWAPS + 1):
            self.swap(files[swap % len(files)])
            time.sleep(0.02)
        self.await_child(sender)
        sent = len(frames) * rounds - cable.dropped()
        self.assertEqual(world.eventually(self.totals, lambda total: total >= sent), sent)
        self.swap(files[3])
        self.assertGreater(self.counters()["retired"]["packets"], 0)
        self.assertIn("(retired)", self.xdpc("counters", "--dev", "edge0"))
        self.assertEqual(self.totals(), sent)


world.main()
