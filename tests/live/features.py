# `xdpc features`: what it says of devices agrees with what attaching then does.
import json

import world


GUARD = "policy guard {\n  nine: drop when udp.dport == 9\n  default pass\n}\n"


class Features(world.LiveTest):
    def setUp(self):
        self.guard = world.policy_file("guard.xf", GUARD)

    def features(self, *arguments, code=0):
        done = world.run("features", *arguments, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_the_kernel_alone(self):
        told = self.features()
        self.assertEqual((told["schema"], told["usable"]), (1, True))
        self.assertEqual(told["kernel"]["release"], world.sh("uname", "-r").strip())
        self.assertEqual((told["kernel"]["programs"], told["kernel"]["bpffs"], told["kernel"]["problems"]), (True, True, []))
        self.assertIn("policies load", self.xdpc("features"))

    def test_a_native_device_and_its_policy(self):
        self.cable()
        told = self.features(self.guard, "--dev", "edge0")
        self.assertEqual((told["device"]["name"], told["device"]["driver"], told["device"]["mtu"]), ("edge0", "veth", 1500))
        self.assertEqual((told["device"]["native"], told["device"]["occupied_by"]), (True, None))
        self.assertEqual((told["policy"]["name"], told["policy"]["mode"]), ("guard", "native"))
        self.attach(self.guard)
        self.assertEqual(self.attached()[0]["mode"], told["policy"]["mode"])
        self.assertEqual(self.features("--dev", "edge0")["device"]["occupied_by"], "xdpc")

    def test_a_device_without_native_mode(self):
        told = self.features(self.guard, "--dev", "lo")
        self.assertEqual((told["device"]["native"], told["policy"]["mode"], told["usable"]), (False, "generic", True))
        self.assertIn("lo", told["device"]["name"])
        self.assertTrue(any("generic" in note for note in told["device"]["notes"]))

    def test_large_frames(self):
        self.cable(mtu=9000)
        told = self.features(self.guard, "--dev", "edge0")
        self.assertEqual((told["device"]["mtu"], told["policy"]["mode"]), (9000, "native"))
        self.assertIn("several buffers", self.xdpc("features", "--dev", "edge0"))

    def test_somebody_elses_program(self):
        self.cable()
        other = world.policy_file("other.xf", GUARD)
        self.xdpc("build", other, "-o", "/run/test/other.o")
        world.sh("bpftool", "prog", "load", "/run/test/other.o", "/sys/fs/bpf/stranger", "type", "xdp")
        self.addCleanup(world.sh, "rm", "/sys/fs/bpf/stranger")
        world.sh("bpftool", "net", "attach", "xdpdrv", "pinned", "/sys/fs/bpf/stranger", "dev", "edge0")
        told = self.features(self.guard, "--dev", "edge0", code=3)
        self.assertEqual((told["device"]["occupied_by"], told["usable"]), ("netlink", False))
        self.assertIn("--replace", told["device"]["problems"][0])
        self.xdpc("attach", self.guard, "--dev", "edge0", code=3)

    def test_targets_of_redirects(self):
        self.cable()
        policy = world.policy_file("steer.xf", 'policy steer {\n  out: redirect to dev "edge9" when udp.dport == 9\n  default pass\n}\n')
        told = self.features(policy, "--dev", "edge0", code=3)
        self.assertIn("redirects to `edge9`, which is not there", told["policy"]["problems"][0])
        self.xdpc("attach", policy, "--dev", "edge0", code=4)

    def test_without_privileges_or_bpffs(self):
        done = world.run("features", "--json", user=65534)
        self.assertEqual(done.returncode, 3)
        told = json.loads(done.stdout)
        self.assertEqual(told["kernel"]["missing_capabilities"], ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"])
        self.assertIsNone(told["kernel"]["programs"])
        told = self.features("--bpffs", "/run/test", code=3)
        self.assertIn("no bpffs is mounted on `/run/test`", told["kernel"]["problems"][0])

    def test_bad_requests(self):
        self.xdpc("features", "--dev", "edge7", code=4)
        self.xdpc("features", "--dev", "lo", "--netns", "nowhere", code=4)
        self.xdpc("features", "/run/test/nothing.xf", code=2)

    def test_another_namespace(self):
        with world.namespace("peer"):
            pass
        told = self.features("--dev", "lo", "--netns", "peer")
        self.assertEqual(told["device"]["name"], "lo")


world.main()
