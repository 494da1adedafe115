# `xdpc detach` and what attaching leaves: everything passes afterwards, and nothing stays behind, in the kernel or in the
# bpffs; in this namespace, in a named one, over another bpffs, and from an object.
import json
import os

import world
from frames import ethernet, ip, tcp, udp
from world import MODES, cases

CLOSED = "policy closed {\n  default drop\n}\n"
KEPT = 3  # generations, the running one included
FRAMES = [ethernet(ip(inner, source)) for source in ("203.0.113.5", "2001:db8:99::5") for inner in (tcp(dport=22), udp())]


def programs():
    """Ids of all XDP programs that the kernel has, whoever holds them."""
    return {entry["id"] for entry in json.loads(world.sh("bpftool", "-j", "prog", "show")) if entry["type"] == "xdp"}


class Detach(world.LiveTest):
    def passing(self, cable):
        behind = self.capture(cable, None)
        cable.send(FRAMES)
        return world.eventually(behind.frames, lambda frames: len(frames) == len(FRAMES), 0.3)

    @cases(mode=MODES)
    def test_afterwards_everything_passes_and_nothing_is_left(self, mode):
        cable = self.cable()
        self.assertEqual(self.passing(cable), FRAMES)
        self.attach(world.policy_file("closed.xf", CLOSED), mode)
        (running,) = self.attached()
        self.assertEqual(self.passing(cable), [])
        self.expect_rules({"default": len(FRAMES)})
        self.assertTrue(world.pins())
        self.assertEqual(self.xdpc("detach", "--dev", "edge0"), "closed off edge0\n")
        self.assertEqual(self.passing(cable), FRAMES)
        self.assertEqual((world.pins(), self.attached()), ([], []))
        self.assertNotIn("xdp", world.sh("ip", "-d", "link", "show", "edge0"))
        self.assertTrue(world.eventually(lambda: running["program"] not in programs(), bool), "the program is unloaded")

    def test_after_swaps_too(self):
        cable = self.cable()
        for number, name in enumerate(("web_edge", "syn_counter", "web_edge", "syn_counter"), 1):
            self.attach(world.example(name))
            programs_pinned = [path for path in world.pins() if path.endswith("/prog")]
            self.assertEqual(len(programs_pinned), min(number, KEPT), "the last generations are pinned")
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual(world.pins(), [])
        self.assertEqual(self.passing(cable), FRAMES)

    def test_an_object_in_a_named_namespace_over_another_bpffs(self):
        cable = self.cable()
        os.mkdir("/run/test/bpffs")
        world.mount("bpf", "/run/test/bpffs", "bpf")
        self.addCleanup(world.sh, "umount", "/run/test/bpffs")
        target = ("--dev", "edge0", "--netns", "peer", "--bpffs", "/run/test/bpffs")
        self.xdpc("build", world.policy_file("closed.xf", CLOSED), "-o", "/run/test/closed.o")
        self.xdpc("attach", "/run/test/closed.o", *target)
        listed = json.loads(self.xdpc("list", "--json", "--bpffs", "/run/test/bpffs"))["attached"]
        self.assertEqual([(entry["device"], entry["netns"]) for entry in listed], [("edge0", "peer")])
        self.assertEqual(self.attached(), [])
        with cable.packet_socket(None) as link:
            link.send(FRAMES[0])
        rules = lambda: json.loads(self.xdpc("counters", *target, "--json"))["rules"]["default"]["packets"]  # noqa: E731
        self.assertEqual(world.eventually(rules, bool), 1)
        self.assertEqual(self.passing(cable), FRAMES, "the other end has no policy")
        self.xdpc("detach", *target)
        self.assertEqual(world.pins("/run/test/bpffs"), [])

    def test_policies_on_two_devices_are_apart(self):
        first, second = self.cable(), self.cable(device="edge1")
        self.attach(world.policy_file("closed.xf", CLOSED))
        self.attach(world.example("syn_counter"), "generic", device="edge1")
        self.assertEqual([(entry["device"], entry["policy"]) for entry in self.attached()], [("edge0", "closed"), ("edge1", "syn_counter")])
        self.assertEqual((self.passing(first), self.passing(second)), ([], FRAMES))
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual([entry["device"] for entry in self.attached()], ["edge1"])
        self.assertEqual((self.passing(first), self.passing(second)), (FRAMES, FRAMES))
        self.assertEqual(self.rules("edge1"), {"default": 2 * len(FRAMES)})
        self.xdpc("detach", "--dev", "edge1")
        self.assertEqual(world.pins(), [])


world.main()
