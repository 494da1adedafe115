# `xdpc set` from files, standard input and JSON lines; lives and comments of elements, and what is refused.
import json

import world

BANNED = ("banned", "--dev", "edge0")
HOSTS = """
set hosts of ip { capacity 100 }
set doors of (ip, port)
policy front { banned: drop when ip.src in hosts; opened: pass when (ip.src, tcp.dport) in doors; default pass }
"""


class Input(world.LiveTest):
    def setUp(self):
        self.cable()
        self.attach(world.example("web_edge"))

    def set(self, command, *arguments, code=0, text=None):
        return self.xdpc("set", command, *BANNED, *arguments, code=code, input=text)

    def listed(self, name="banned"):
        """Of each element: whether it ends, and its comment."""
        elements = json.loads(self.xdpc("set", "list", name, "--dev", "edge0", "--json"))["elements"]
        return {e["element"]: (e["remaining_ns"] is not None, e.get("comment")) for e in elements}

    def test_a_list_is_read_as_load_reads_it(self):
        path = world.policy_file("list.txt", "# feed\n203.0.113.0/24  # here\n\n2001:db8:99::/64\n198.51.100.1-198.51.100.2\n")
        self.set("load", path)
        expected = {"203.0.113.0/24", "2001:db8:99::/64", "198.51.100.1", "198.51.100.2"}
        self.assertEqual(set(self.elements("banned")), expected)
        self.set("del", "--file", path)
        self.assertEqual(self.elements("banned"), {})
        self.set("load", "-", "--for", "1h", text=path.read_text())
        self.assertEqual(set(self.elements("banned")), expected)
        self.assertTrue(all(left > 3500 for left in self.elements("banned").values()))
        self.set("add", "192.0.2.1", "--file", path)
        self.assertEqual(set(self.elements("banned")), expected | {"192.0.2.1"})

    def test_json_lines_say_how_long_and_why(self):
        lines = '{"element":"192.0.2.0/24","for":"10m","comment":"feodo, jk"}\n\n{"element":"203.0.113.5"}\n{"element":"203.0.113.6","for":null}\n'
        self.set("add", "--json-lines", "--for", "1h", text=lines)
        self.assertEqual(self.listed(), {"192.0.2.0/24": (True, "feodo, jk"), "203.0.113.5": (True, None), "203.0.113.6": (False, None)})
        left = self.elements("banned")
        self.assertTrue(590 < left["192.0.2.0/24"] <= 600 and 3500 < left["203.0.113.5"] <= 3600)
        self.assertIn("feodo, jk", self.xdpc("set", "list", *BANNED))
        self.set("del", "--json-lines", text='{"element":"192.0.2.0/24"}\n')
        self.assertNotIn("192.0.2.0/24", self.elements("banned"))

    def test_what_is_listed_can_be_put_back(self):
        self.set("add", "192.0.2.0/24", "2001:db8::1", "--for", "1h", "--comment", "why")
        self.set("add", "203.0.113.5")
        lines = self.set("list", "--json-lines")
        before = self.listed()
        self.set("flush")
        self.assertEqual(self.listed(), {})
        self.set("load", "-", "--json-lines", text=lines)
        self.assertEqual(self.listed(), before)

    def test_comments_live_on_over_swaps_and_end_with_the_element(self):
        self.set("add", "203.0.113.5", "203.0.113.0/24", "--comment", "the flood of Monday")
        self.set("add", "198.51.100.7", "--for", "1h", "--comment", "scanner")
        self.attach(world.example("web_edge"))
        self.assertEqual(self.listed()["203.0.113.5"], (False, "the flood of Monday"))
        self.set("del", "203.0.113.5")
        self.set("add", "203.0.113.5")
        self.assertEqual(self.listed()["203.0.113.5"], (False, None))
        self.set("add", "203.0.113.5", "--comment", "again")
        self.set("add", "203.0.113.5", "--comment", "and again")
        self.assertEqual(self.listed()["203.0.113.5"], (False, "and again"))
        self.assertEqual(self.listed()["198.51.100.7"], (True, "scanner"))
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual(world.pins(), [])
        self.attach(world.example("web_edge"))
        self.set("add", "203.0.113.5")
        self.assertEqual(self.listed(), {"203.0.113.5": (False, None)})

    def test_comments_follow_a_set_that_is_renamed(self):
        self.attach(world.policy_file("front.xf", HOSTS))
        self.xdpc("set", "add", "hosts", "192.0.2.7", "192.0.2.8", "--dev", "edge0", "--comment", "mine")
        self.attach(world.policy_file("front.xf", HOSTS.replace("set hosts", "set people was hosts").replace("in hosts", "in people")))
        self.assertEqual(self.listed("people"), {"192.0.2.7": (False, "mine"), "192.0.2.8": (False, "mine")})
        self.xdpc("set", "del", "people", "192.0.2.7", "--dev", "edge0")
        self.xdpc("set", "add", "people", "192.0.2.7", "--dev", "edge0")
        self.assertEqual(self.listed("people"), {"192.0.2.7": (False, None), "192.0.2.8": (False, "mine")})

    def test_many_comments(self):
        text = "".join(f'{{"element":"10.{n >> 8}.{n & 255}.0/24","comment":"number {n % 977}"}}\n' for n in range(20000))
        self.set("load", "-", "--json-lines", text=text)
        for n in range(0, 100, 7):
            self.set("add", f"10.0.{n}.0/24", "--comment", f"changed {n}")
        listed = self.listed()
        self.assertEqual(len(listed), 20000)
        self.assertEqual(listed["10.0.7.0/24"][1], "changed 7")
        self.assertEqual(listed["10.78.31.0/24"][1], f"number {(78 * 256 + 31) % 977}")

    def test_an_element_that_ends_at_once_is_none(self):
        said = self.set("add", "192.0.2.77", "--for", "0s", code=2)
        self.assertIn("ends at once", said)

    def test_what_is_wrong_is_said_with_its_line_and_changes_nothing(self):
        self.set("add", "203.0.113.0/24")
        bad = world.policy_file("bad.txt", "192.0.2.1\n192.0.2.1/24\nnobody\n")
        for arguments, text, messages in (
            (("load", bad), None, ["bad.txt:2: ", "write `192.0.2.0/24`", "bad.txt:3: "]),
            (("load", "-"), "1.2.3.4\n80-90\n", ["<stdin>:2: "]),
            (("add", "--json-lines"), '{"element":"192.0.2.1"}\n{"element":1}\n', ["<stdin>:2: `element` is no string"]),
            (("add", "--json-lines"), '{"for":"1h"}\n', ["<stdin>:1: `element` is missing"]),
            (("add", "--json-lines"), '{"element":"192.0.2.1","four":"1h"}\n', ["`four` is none of"]),
            (("add", "--json-lines"), '{"element":"192.0.2.1","for":"1"}\n', ["<stdin>:1: "]),
            (("add", "--json-lines"), "192.0.2.1\n", ["<stdin>:1: not a JSON object"]),
            (("add", "192.0.2.1", "--comment", "x" * 256), None, ["256 bytes"]),
            (("add", "192.0.2.1", "--comment", "a\nb"), None, ["one line"]),
            (("add",), None, ["no elements"]),
            (("load", "/nowhere"), None, ["/nowhere"]),
            (("replace", "192.0.2.1/24"), None, ["192.0.2.0/24"]),
        ):
            said = self.set(*arguments, code=2, text=text)
            for message in messages:
                self.assertIn(message, said)
        self.assertEqual(self.listed(), {"203.0.113.0/24": (False, None)})

    def test_tuples_in_files(self):
        self.attach(world.policy_file("front.xf", HOSTS))
        self.xdpc("set", "load", "doors", "-", "--dev", "edge0", input="192.0.2.7, 80-82\n(2001:db8::7, 443)\n")
        self.assertEqual(set(self.elements("doors")), {"(192.0.2.7, 80)", "(192.0.2.7, 81)", "(192.0.2.7, 82)", "(2001:db8::7, 443)"})

    def test_a_damaged_journal_of_comments_is_refused(self):
        self.set("add", "203.0.113.5", "--comment", "mine")
        pin = next(pin for pin in world.pins() if pin.endswith("/comments"))
        world.sh("bpftool", "map", "update", "pinned", f"/sys/fs/bpf/xdpc/{pin}", "key", "0", "0", "0", "0", "value", *["255"] * 65536)
        self.assertIn("comments", self.xdpc("set", "list", *BANNED, code=3))


world.main()
