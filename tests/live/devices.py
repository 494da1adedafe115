# Devices as they come: unusual names, renamed, deleted and back, moved between namespaces, large MTUs, loopback.
import json
import os
import pathlib
import socket

import world
from frames import ethernet, ip, udp
from world import MODES, cases

GUARD = "policy guard {\n  nine: drop when udp.dport == 9\n  default pass\n}\n"
OTHER = "policy other {\n  eight: drop when udp.dport == 8\n  nine: drop when udp.dport == 9\n  default pass\n}\n"


def datagram(port, size=0):
    return ethernet(ip(udp(dport=port, payload=bytes(size)), "203.0.113.5"))


class Devices(world.LiveTest):
    def setUp(self):
        self.guard, self.other = world.policy_file("guard.xf", GUARD), world.policy_file("other.xf", OTHER)

    def away(self, name="away"):
        world.sh("ip", "netns", "add", name)
        self.addCleanup(world.sh, "ip", "netns", "del", name)

    def test_unusual_names(self):
        for name in ("eth0.100", "veth1@if7", "abcdefghijklmno", "-x", "ü", '"'):
            with self.subTest(name=name):
                world.sh("ip", "link", "add", "name", name, "type", "veth", "peer", "name", "other", "netns", "peer")
                world.sh("ip", "link", "set", "dev", name, "up")
                self.xdpc("attach", self.guard, f"--dev={name}", "--mode", "generic")
                self.assertEqual(self.attached()[0]["device"], name)
                self.assertIn(name, self.xdpc("list"))
                self.assertIn("nine", self.xdpc("counters", f"--dev={name}"))
                self.assertIn('device="%s"' % name.replace('"', '\\"'), self.xdpc("metrics"))
                self.xdpc("detach", f"--dev={name}")
                world.sh("ip", "link", "del", "dev", name)

    @cases(mode=MODES)
    def test_a_renamed_device_keeps_its_policy(self, mode):
        cable = self.cable()
        self.attach(self.guard, mode)
        cable.send([datagram(9)])
        self.expect_rules({"nine": 1})
        world.sh("ip", "link", "set", "edge0", "down")
        world.sh("ip", "link", "set", "edge0", "name", "renamed")
        self.addCleanup(lambda: world.status("ip", "link", "del", "renamed"))
        self.assertIn("there is no device `edge0`", self.xdpc("counters", "--dev", "edge0", code=4))
        self.assertIn("did you mean `renamed`?", self.xdpc("counters", "--dev", "rename", code=4))
        self.assertNotIn("did you mean", self.xdpc("counters", "--dev", "x0", code=4))
        self.assertEqual(self.rules("renamed"), {"nine": 1})
        self.assertIn("in place of guard", self.attach(self.other, device="renamed"))
        self.assertEqual(self.rules("renamed"), {"nine": 1})
        self.xdpc("detach", "--dev", "renamed")
        self.assertEqual(world.pins(), [])

    def moved(self, mode="auto"):
        cable = self.cable()
        self.attach(self.guard, mode)
        cable.send([datagram(9)])
        self.expect_rules({"nine": 1})
        self.away()
        world.sh("ip", "link", "set", "edge0", "netns", "away")
        world.sh("ip", "-n", "away", "link", "set", "edge0", "up")
        return cable

    @cases(mode=MODES)
    def test_a_moved_device_keeps_its_policy_and_is_found(self, mode):
        self.moved(mode)
        (running,) = self.attached()
        self.assertEqual((running["policy"], running["device"], running["netns"], running["mode"]), ("guard", "edge0", "away", mode))
        there = ("--dev", "edge0", "--netns", "away")
        self.xdpc("counters", "--dev", "edge0", code=4)
        self.assertEqual(json.loads(self.xdpc("counters", *there, "--json"))["rules"]["nine"]["packets"], 1)
        self.assertIn("in place of guard", self.xdpc("attach", self.other, *there))
        self.assertEqual(json.loads(self.xdpc("counters", *there, "--json"))["rules"]["nine"]["packets"], 1)
        self.xdpc("rollback", *there)
        self.xdpc("detach", *there)
        self.assertEqual((self.attached(), world.pins()), ([], []))

    def test_its_number_may_be_another_device_by_now(self):
        self.moved()
        (running,) = self.attached()
        world.sh("ip", "link", "add", "edge1", "index", str(running["ifindex"]), "type", "veth", "peer", "name", "other", "netns", "peer")
        self.addCleanup(world.sh, "ip", "link", "del", "edge1")
        message = self.xdpc("attach", self.other, "--dev", "edge1", "--mode", "generic", code=3)
        self.assertIn("belong to a device that was moved to another network namespace", message)
        self.assertIn(f"xdpc detach --link {running['link']}", message)
        self.assertEqual(self.xdpc("detach", "--link", str(running["link"])), f"guard off link {running['link']}\n")
        self.attach(self.other, "generic", device="edge1")
        self.assertEqual([(one["policy"], one["device"]) for one in self.attached()], [("other", "edge1")])
        self.xdpc("detach", "--dev", "edge1")

    def test_a_namespace_without_a_name(self):
        cable = self.moved()
        holder = os.open("/run/netns/away", os.O_RDONLY)
        self.addCleanup(os.close, holder)
        world.sh("ip", "netns", "del", "away")
        self.addCleanup(world.sh, "ip", "netns", "add", "away")
        link = self.attached()[0]["link"]
        self.assertIn(f"link {link}", self.xdpc("list"))
        self.assertEqual(self.xdpc("detach", "--link", str(link)), f"guard off link {link}\n")
        self.assertEqual(world.pins(), [])
        self.assertIn("by link", self.xdpc("detach", "--link", str(link), code=4))
        del cable

    @cases(mode=MODES)
    def test_a_deleted_device_takes_its_policy_along(self, mode):
        """Another one of its name starts with nothing, also if it gets the same number."""
        cable = self.cable()
        self.attach(self.guard, mode)
        cable.send([datagram(9)])
        self.expect_rules({"nine": 1})
        number = self.attached()[0]["ifindex"]
        cable.remove()
        self.assertEqual(self.attached(), [])
        world.sh("ip", "link", "add", "edge0", "index", str(number), "type", "veth", "peer", "name", "edge0", "netns", "peer")
        again = world.Cable.__new__(world.Cable)
        again.device = "edge0"
        self.addCleanup(again.remove)
        again.up()
        self.assertIn("no policy of xdpc", self.xdpc("show", "--dev", "edge0", code=4))
        self.attach(self.other, mode)
        self.assertEqual(self.rules(), {})
        again.send([datagram(9)])
        self.expect_rules({"nine": 1})
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual(world.pins(), [])

    @cases(mode=MODES)
    def test_without_its_bpffs_a_policy_is_gone(self, mode):
        """The pins keep it in the kernel; with the last mount of their file system it goes, and the next command begins anew."""
        cable = self.cable()
        folder = pathlib.Path("/run/test/pins")
        folder.mkdir(exist_ok=True)
        there = ("--dev", "edge0", "--bpffs", folder)
        world.mount("bpf", str(folder), "bpf")
        self.addCleanup(world.status, "umount", str(folder))
        self.xdpc("attach", self.guard, *there, "--mode", mode)
        world.sh("umount", str(folder))
        self.assertIn("no bpffs is mounted", self.xdpc("counters", *there, code=3))
        no_program = lambda: "xdp" not in json.loads(world.sh("ip", "-j", "link", "show", "edge0"))[0]  # noqa: E731
        self.assertTrue(world.eventually(no_program, bool))
        world.mount("bpf", str(folder), "bpf")
        self.assertEqual(self.xdpc("list", "--bpffs", folder), "")
        self.xdpc("attach", self.other, *there, "--mode", mode)
        cable.send([datagram(9)])
        counts = lambda: json.loads(self.xdpc("counters", *there, "--json"))["rules"]["nine"]["packets"]  # noqa: E731
        self.assertEqual(world.eventually(counts, bool), 1)
        self.xdpc("detach", *there)

    def test_a_mtu_that_grows_afterwards(self):
        cable = self.cable()
        self.attach(self.guard)
        for where in ([], ["-n", "peer"]):
            world.sh("ip", *where, "link", "set", "edge0", "mtu", "9000")
        large = datagram(9, 8500)
        cable.send([large, datagram(8, 8500)])
        self.expect_rules({"nine": 1, "default": 1})
        self.assertIn("in place of guard", self.attach(self.other))

    def test_detach_names_one_of_both(self):
        self.xdpc("detach", code=2)
        self.xdpc("detach", "--dev", "edge0", "--link", "1", code=2)

    @cases(mode=MODES)
    def test_frames_of_several_buffers(self, mode):
        cable = self.cable(mtu=9000)
        self.attach(self.guard, mode)
        large = datagram(9, 8500)
        cable.send([large, datagram(8, 8500)])
        self.expect_rules({"nine": 1, "default": 1})
        self.assertEqual(self.counters()["rules"]["nine"]["bytes"], len(large))

    def test_loopback_has_generic_mode_alone(self):
        self.away()
        world.sh("ip", "-n", "away", "link", "set", "lo", "up")
        there = ("--dev", "lo", "--netns", "away")
        self.assertIn("has no native mode", self.xdpc("attach", self.guard, *there, "--mode", "native", code=3))
        self.xdpc("attach", self.guard, *there)
        self.addCleanup(world.run, "detach", *there)
        self.assertEqual(self.attached()[0]["mode"], "generic")
        with world.namespace("away"):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with receiver, sender:
            receiver.bind(("127.0.0.1", 8))
            receiver.settimeout(world.PATIENCE)
            sender.sendto(b"dropped", ("127.0.0.1", 9))
            sender.sendto(b"passes", ("127.0.0.1", 8))
            self.assertEqual(receiver.recv(100), b"passes")
        counts = json.loads(self.xdpc("counters", *there, "--json"))["rules"]
        self.assertEqual(counts["nine"]["packets"], 1)


world.main()
