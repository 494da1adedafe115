# Pins that somebody has changed: every command refuses them, says which, and leaves what runs as it is.
import json
import os
import pathlib
import shutil

import world
from frames import ethernet, ip, udp

POLICY = """
set hosts of ip
counter seen { per ip.src }
policy front {
    host: drop when ip.src in hosts
    nine: when udp.dport == 9 { count seen; drop }
    default pass
}
"""
NINE = ethernet(ip(udp(dport=9), "203.0.113.5"))


class Tampering(world.LiveTest):
    def setUp(self):
        self.link = self.cable()
        self.policy = world.policy_file("front.xf", POLICY)
        self.attach(self.policy)
        self.folder = next(path for path in pathlib.Path("/sys/fs/bpf/xdpc").iterdir())
        self.pins = self.folder / "g1"
        self.addCleanup(shutil.rmtree, "/sys/fs/bpf/xdpc", ignore_errors=True)

    def manifest(self):
        return json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["manifest"]

    def expect_refused(self, *messages):
        for command in (("attach", self.policy), ("set", "add", "hosts", "192.0.2.1"), ("set", "replace", "hosts", "192.0.2.1"), ("set", "list", "hosts"),
                        ("counters",), ("save", "-o", "/run/test/never")):
            said = self.xdpc(*command, "--dev", "edge0", code=3)
            for message in messages:
                self.assertIn(message, said, command)
        seen = [one["trouble"] for one in self.attached() if one["instance"] == self.folder.name]
        self.assertTrue(seen and all(seen))
        before = self.folder.stat()
        self.link.send([NINE])  # what runs goes on
        self.assertEqual(before.st_ino, self.folder.stat().st_ino)

    def test_a_folder_of_somebody_else(self):
        os.chown(self.folder, 1234, 0)
        self.expect_refused("not trusted", "user 1234", str(self.folder))
        os.chown(self.folder, 0, 0)
        os.chown(self.folder.parent, 1234, 0)
        self.expect_refused("not trusted", "user 1234")
        os.chown(self.folder.parent, 0, 0)
        self.assertEqual(self.rules(), {"nine": 2})

    def test_a_folder_that_others_write_into(self):
        os.chmod(self.folder, 0o777)
        self.expect_refused("others may write into it (mode 0777)")
        os.chmod(self.folder, 0o700)
        os.chmod(self.pins, 0o770)
        self.assertIn("others may write", self.xdpc("counters", "--dev", "edge0", code=3))
        os.chmod(self.pins, 0o700)
        self.xdpc("counters", "--dev", "edge0")

    def test_a_folder_made_before_us(self):
        self.xdpc("detach", "--dev", "edge0")
        os.mkdir("/sys/fs/bpf/xdpc")
        os.chown("/sys/fs/bpf/xdpc", 1234, 0)
        self.assertIn("user 1234", self.xdpc("attach", self.policy, "--dev", "edge0", code=3))
        self.assertEqual(world.pins(), [])

    def other(self):
        """Pins of another policy on another interface."""
        cable = self.cable(device="edge1")
        self.addCleanup(world.run, "detach", "--dev", "edge1")
        self.attach(world.policy_file("other.xf", POLICY.replace("front", "other").replace("set hosts of ip", "set hosts of ip { capacity 9 }")), device="edge1")
        return next(path for path in self.folder.parent.iterdir() if path != self.folder) / "g1", cable

    def put(self, theirs, ours):
        os.rename(ours, self.folder / "kept")
        os.rename(theirs, ours)

    def back(self, theirs, ours):
        os.rename(ours, theirs)
        os.rename(self.folder / "kept", ours)

    def test_a_map_of_another_policy(self):
        theirs, _ = self.other()
        for number, declared in enumerate(self.manifest()["maps"]):
            if declared["role"] not in ("config", "counters", "exact", "keyed"):
                continue
            with self.subTest(declared["name"]):
                self.put(theirs / f"m{number}", self.pins / f"m{number}")
                said = self.xdpc("set", "add", "hosts", "192.0.2.1", "--dev", "edge0", code=3)
                self.assertIn("not trusted", said)
                self.xdpc("attach", self.policy, "--dev", "edge0", code=3)
                self.back(theirs / f"m{number}", self.pins / f"m{number}")
        self.assertEqual(self.elements("hosts"), {})

    def test_a_manifest_of_another_policy(self):
        theirs, _ = self.other()
        self.put(theirs / "manifest", self.pins / "manifest")
        self.assertIn("not trusted", self.xdpc("counters", "--dev", "edge0", code=3))
        self.xdpc("attach", self.policy, "--dev", "edge0", code=3)
        self.back(theirs / "manifest", self.pins / "manifest")
        self.xdpc("counters", "--dev", "edge0")

    def test_a_program_of_another_policy(self):
        self.attach(self.policy)  # the first generation is one to return to
        theirs, _ = self.other()
        self.put(theirs / "prog", self.pins / "prog")
        self.assertIn("not trusted", self.xdpc("rollback", "1", "--dev", "edge0", code=3))
        self.assertEqual(self.attached()[0]["generation"], 2)

    def test_a_link_of_another_interface(self):
        theirs, _ = self.other()
        self.put(theirs.parent / "link", self.folder / "link")
        self.expect_refused()

    def test_a_link_that_was_moved_away(self):
        """It lives on, and so does the policy: nothing of it is taken for a leftover."""
        self.xdpc("set", "add", "hosts", "192.0.2.1", "--dev", "edge0")
        (self.folder / "link").rename("/sys/fs/bpf/elsewhere")
        for command in (("counters",), ("set", "list", "hosts"), ("detach",)):
            said = self.xdpc(*command, "--dev", "edge0", code=3)
            self.assertIn("the pin of its link is not there", said, command)
        self.assertIn("does not break other programs' links", self.xdpc("attach", self.policy, "--dev", "edge0", code=3))
        self.link.send([NINE])
        (seen,) = self.attached()
        self.assertIn("the pin of its link is not there", seen["trouble"])
        pathlib.Path("/sys/fs/bpf/elsewhere").rename(self.folder / "link")
        self.assertIn("192.0.2.1", self.xdpc("set", "list", "hosts", "--dev", "edge0"))
        self.expect_rules({"nine": 1})

    def test_a_manifest_that_can_be_changed(self):
        """A map like any other, not frozen."""
        self.put(self.pins / "ledger", self.pins / "manifest")
        self.assertIn("not frozen", self.xdpc("counters", "--dev", "edge0", code=3))
        self.assertIn("not frozen", self.xdpc("attach", self.policy, "--dev", "edge0", code=3))

    def test_a_ledger_of_garbage(self):
        size = json.loads(world.sh("bpftool", "-j", "map", "show", "pinned", str(self.pins / "ledger")))["bytes_value"]
        world.sh("bpftool", "map", "update", "pinned", str(self.pins / "ledger"), "key", "0", "0", "0", "0", "value", *["255"] * size)
        self.assertIn("ledger", self.xdpc("counters", "--dev", "edge0", code=3))
        self.assertIn("ledger", self.xdpc("attach", self.policy, "--dev", "edge0", code=3))

    def test_afterwards_one_begins_anew(self):
        os.chown(self.folder, 1234, 0)
        self.xdpc("attach", self.policy, "--dev", "edge0", code=3)
        shutil.rmtree(self.folder)
        self.attach(self.policy)
        self.link.send([NINE])
        self.expect_rules({"nine": 1})


world.main()
