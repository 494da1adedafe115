# `xdpc save` and `restore`: policies, modes, contents of sets with their ends and comments; from text or from what was
# saved; and that nothing is trusted that somebody else could have written.
import json
import os
import pathlib
import shutil
import time

import world
from frames import ACK, ethernet, ip, tcp
from world import MODES, cases

STATE = pathlib.Path("/run/test/state")
CONFIG = pathlib.Path("/run/test/config")
BANNED = ("banned", "--dev", "edge0")


def packet(source):
    return ethernet(ip(tcp(dport=80, flags=ACK), source))


class Save(world.LiveTest):
    def setUp(self):
        self.link = self.cable()
        for folder in (STATE, CONFIG):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)

    def front(self, mode="auto"):
        self.attach(world.example("web_edge"), mode)

    def save(self, *arguments, code=0):
        return self.xdpc("save", *(arguments or ("--dev", "edge0", "-o", STATE)), code=code)

    def restore(self, *arguments, code=0):
        return self.xdpc("restore", *(arguments or (STATE,)), code=code)

    def listed(self, name="banned", device="edge0"):
        elements = json.loads(self.xdpc("set", "list", name, "--dev", device, "--json"))["elements"]
        return {e["element"]: (e["remaining_ns"], e.get("comment")) for e in elements}

    @cases(mode=MODES)
    def test_a_policy_and_its_sets_come_back(self, mode):
        self.front(mode)
        self.xdpc("set", "add", *BANNED, "203.0.113.0/24", "--comment", "feodo, \"jk\"")
        self.xdpc("set", "add", *BANNED, "2001:db8:99::5", "203.0.114.9", "--for", "1h")
        self.xdpc("set", "add", *BANNED, "198.51.100.7", "--for", "1s")
        before = self.attached()[0]
        self.save()
        self.assertEqual(os.stat(STATE / "edge0.saved").st_mode & 0o777, 0o600)
        self.xdpc("detach", "--dev", "edge0")
        time.sleep(1.1)
        self.restore()
        after = self.attached()[0]
        for same in ("policy", "file", "source_sha256", "mode"):
            self.assertEqual(before[same], after[same])
        listed = self.listed()
        self.assertEqual(set(listed), {"203.0.113.0/24", "2001:db8:99::5", "203.0.114.9"})
        self.assertEqual(listed["203.0.113.0/24"], (None, "feodo, \"jk\""))
        self.assertTrue(3400e9 < listed["203.0.114.9"][0] < 3599e9)
        self.expect_each(self.link, [("drop by listed", packet("203.0.113.5")), ("drop by listed", packet("2001:db8:99::5")),
                                     ("pass by web", packet("198.51.100.7"))])

    def test_the_text_takes_the_place_of_what_was_saved(self):
        self.front()
        self.xdpc("set", "add", *BANNED, "203.0.113.5")
        self.save()
        self.xdpc("detach", "--dev", "edge0")
        text = world.example("web_edge").read_text().replace("policy web_edge", "policy newer")
        (CONFIG / "edge0.xf").write_text(text)
        self.restore(STATE, "--dev", "edge0", "--config", CONFIG)
        self.assertEqual(self.attached()[0]["policy"], "newer")
        self.assertEqual(set(self.listed()), {"203.0.113.5"})
        # A mistake in it: the last policy that worked is better than none.
        self.xdpc("detach", "--dev", "edge0")
        (CONFIG / "edge0.xf").write_text(text.replace("drop when", "dorp when"))
        self.restore(STATE, "--dev", "edge0", "--config", CONFIG, code=1)
        self.assertEqual(self.attached()[0]["policy"], "web_edge")
        # Nothing saved yet.
        self.xdpc("detach", "--dev", "edge0")
        (CONFIG / "edge0.xf").write_text(text)
        (STATE / "edge0.saved").unlink()
        self.restore(STATE, "--dev", "edge0", "--config", CONFIG)
        self.assertEqual((self.attached()[0]["policy"], self.listed()), ("newer", {}))
        self.xdpc("detach", "--dev", "edge0")
        self.restore(STATE, "--dev", "edge0", code=4)
        self.restore(STATE, code=4)

    def test_initial_elements_are_the_texts(self):
        policy = "set hosts of ip { capacity 4 } = { 192.0.2.1, 192.0.2.2 }\npolicy front { host: drop when ip.src in hosts; default pass }"
        self.attach(world.policy_file("front.xf", policy))
        self.xdpc("set", "del", "hosts", "--dev", "edge0", "192.0.2.1")
        self.xdpc("set", "add", "hosts", "--dev", "edge0", "192.0.2.9")
        self.save()
        self.xdpc("detach", "--dev", "edge0")
        self.restore()
        self.assertEqual(set(self.listed("hosts")), {"192.0.2.2", "192.0.2.9"})
        self.xdpc("detach", "--dev", "edge0")
        (CONFIG / "edge0.xf").write_text(policy.replace("192.0.2.2 }", "192.0.2.3 }"))
        self.restore(STATE, "--dev", "edge0", "--config", CONFIG)
        self.assertEqual(set(self.listed("hosts")), {"192.0.2.3", "192.0.2.9"})

    def test_over_a_running_policy_it_is_a_swap(self):
        self.front()
        self.xdpc("set", "add", *BANNED, "203.0.113.5")
        self.save()
        self.xdpc("set", "replace", *BANNED, "203.0.113.6")
        self.link.send([packet("203.0.113.6")] * 3)
        self.expect_rules({"listed": 3})
        self.restore()
        self.assertEqual(set(self.listed()), {"203.0.113.5"})
        self.assertEqual(self.rules(), {"listed": 3})

    def test_all_devices_of_all_namespaces(self):
        self.front()
        other = self.cable(device="edge1")
        self.attach(world.policy_file("other.xf", "policy other { default pass }"), device="edge1")
        self.xdpc("attach", world.policy_file("there.xf", "policy there { default pass }"), "--dev", "edge1", "--netns", "peer")
        self.save("--all", "-o", STATE)
        self.assertEqual(sorted(os.listdir(STATE)), ["edge0.saved", "edge1.saved", "edge1@peer.saved"])
        before = sorted((one["device"], one["netns"], one["policy"]) for one in self.attached())
        for where in (("edge0",), ("edge1",), ("edge1", "--netns", "peer")):
            self.xdpc("detach", "--dev", *where)
        self.restore(STATE)
        self.assertEqual(sorted((one["device"], one["netns"], one["policy"]) for one in self.attached()), before)
        self.xdpc("detach", "--dev", "edge1", "--netns", "peer")
        self.assertEqual(other.device, "edge1")

    def test_a_trial_is_not_saved(self):
        self.front()
        trial = world.policy_file("trial.xf", "policy trial { default drop }")
        self.xdpc("attach", trial, "--dev", "edge0", "--confirm", "1h")
        self.save()
        self.assertEqual(json.loads((STATE / "edge0.saved").read_text().split("\n")[0])["policy"], "web_edge")
        self.xdpc("detach", "--dev", "edge0")
        self.xdpc("attach", trial, "--dev", "edge0", "--confirm", "1h")
        self.assertIn("trial", self.save("--dev", "edge0", "-o", STATE, code=3))

    def test_what_is_damaged_or_not_ours_is_refused(self):
        self.front()
        self.xdpc("set", "add", *BANNED, "203.0.113.5", "--comment", "why")
        self.save()
        self.xdpc("detach", "--dev", "edge0")
        path = STATE / "edge0.saved"
        good = path.read_text()
        for text, message in (
            (good.replace("203.0.113.5", "203.0.113.6"), "checksum"),
            (good.replace('"comment":"why"', '"comment":"who"'), "checksum"),
            (good[: len(good) // 2], "no policy"),
            ("".join(good.splitlines(True)[:-1]), "breaks off"),
            (good + "{}\n", "checksum"),
            ("", "no policy"),
            ("{}\n", "no policy"),
            (good.replace('"schema":1', '"schema":9', 1), "newer"),
            (good.replace('"object":"f0VM', '"object":"f0VN', 1), "checksum"),
            (good.replace('"object":"', '"object":"*', 1), "damaged"),
        ):
            path.write_text(text)
            self.assertIn(message, self.restore(code=3), text[:80])
            self.assertEqual(self.attached(), [])
        path.write_text(good)
        for change, back, message in (
            (lambda: os.chmod(path, 0o660), lambda: os.chmod(path, 0o600), "not trusted"),
            (lambda: os.chown(path, 1234, 0), lambda: os.chown(path, 0, 0), "user 1234"),
            (lambda: os.chmod(STATE, 0o777), lambda: os.chmod(STATE, 0o700), "its folder"),
            (lambda: os.chown(STATE, 1234, 0), lambda: os.chown(STATE, 0, 0), "its folder"),
        ):
            change()
            self.assertIn(message, self.restore(code=3))
            self.assertEqual(self.attached(), [])
            back()
        self.restore()
        self.assertEqual(set(self.listed()), {"203.0.113.5"})

    def test_what_cannot_be_saved(self):
        self.save("--dev", "edge0", "-o", STATE, code=4)
        self.save("--all", "-o", "/run/test/nowhere", code=2)
        self.save("-o", STATE, code=2)
        self.front()
        self.save("--dev", "edge0", "-o", "/run/test/nowhere/x", code=3)


world.main()
