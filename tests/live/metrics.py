# `xdpc metrics`: what it says agrees with what was sent, on standard output, in a file and over HTTP; the format is read
# strictly, and by promtool where it is installed.
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import world
from frames import ethernet, ip, udp

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import exposition  # noqa: E402

POLICY = """set banned of ip = { 203.0.113.5, 2001:db8:99::5 }
counter per_source { per ip.src  capacity 64 }
counter plain
meter slow { rate 1 pps burst 1 }
event seen { ip.src }
policy front {
  listed: drop when ip.src in banned
  counted: when udp.dport == 7 { count per_source; count plain; emit seen }
  limited: drop when udp.dport == 6 over slow
  default pass
}
"""
SOURCES = ("203.0.113.5", "2001:db8:99::5", "203.0.113.6", "2001:db8:99::6")


def datagram(port, source):
    return ethernet(ip(udp(dport=port), source))


class Metrics(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.policy = world.policy_file("front.xf", POLICY)
        self.attach(self.policy)
        listed, other = SOURCES[:2], SOURCES[2:]
        self.line.send([datagram(9, source) for source in listed] + [datagram(7, source) for source in other] * 3 + [datagram(6, other[0])] * 2)
        self.expect_rules({"listed": 2, "counted": 6, "limited": 1, "default": 7})

    def read(self, text):
        """By name; labels without the place, which is checked."""
        families = exposition.parse(text)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        values = {}
        for name, (_, _, samples) in families.items():
            self.assertFalse({"counter", "gauge", "histogram", "summary"} & set(name.split("_")), f"promtool: no type in the name {name}")
            for labels, value in samples.items():
                rest = {key: text for key, text in labels if key not in ("device", "netns")}
                if name != "xdpc_build_info":
                    self.assertIn(("device", "edge0"), labels)
                values[(name, *sorted(rest.values()))] = value
        return values

    def expect_all(self, text):
        values = self.read(text)
        frame = len(datagram(9, SOURCES[0])) + len(datagram(9, SOURCES[1]))
        expected = {
            ("xdpc_rule_packets_total", "drop", "listed"): 2,
            ("xdpc_rule_bytes_total", "drop", "listed"): frame,
            ("xdpc_rule_packets_total", "", "counted"): 6,
            ("xdpc_rule_packets_total", "default", "pass"): 7,
            ("xdpc_retired_packets_total",): 0,
            ("xdpc_count_packets_total", "plain"): 6,
            ("xdpc_count_packets_total", "per_source"): 6,
            ("xdpc_count_keys", "per_source"): 2,
            ("xdpc_set_elements", "banned"): 2,
            ("xdpc_set_capacity", "banned"): 65536,
            ("xdpc_event_unread_total", "seen"): 6,
            ("xdpc_event_lost_total", "seen"): 0,
            ("xdpc_meter_contended_total", "slow"): 0,
            ("xdpc_policy_generation",): 1,
            ("xdpc_policy_readable",): 1,
            ("xdpc_trial_running",): 0,
            ("xdpc_trial_returned",): 0,
        }
        self.assertEqual({key: values.get(key) for key in expected}, expected)
        info = next(key for key in values if key[0] == "xdpc_policy_info")
        self.assertTrue({"front", "front.xf", "native"} <= set(info), info)
        return values

    def test_standard_output(self):
        values = self.expect_all(self.xdpc("metrics"))
        self.assertNotIn("xdpc_count_key_packets_total", {key[0] for key in values})
        values = self.read(self.xdpc("metrics", "--keys", "1"))
        self.assertEqual([value for key, value in values.items() if key[0] == "xdpc_count_key_packets_total"], [3])

    def test_a_file_is_written_beside_and_renamed(self):
        path = pathlib.Path("/run/test/xdpc.prom")
        path.write_text("old\n")
        with path.open() as held:
            self.assertEqual(self.xdpc("metrics", "--textfile", path), "")
            self.assertEqual(held.read(), "old\n", "who reads at that moment reads the old file")
        self.expect_all(path.read_text())
        self.assertEqual([p.name for p in path.parent.glob("xdpc.prom*")], ["xdpc.prom"])
        self.xdpc("metrics", "--textfile", "/run/nowhere/x.prom", code=3)
        self.xdpc("metrics", "--textfile", path, "--listen", ":0", code=2)

    def serve(self, address):
        process = subprocess.Popen(["/run/xdpc", "metrics", "--listen", address], stderr=subprocess.PIPE, text=True, preexec_fn=world.die_with_parent)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stderr.readline()
        url = re.search(r"http://\S+/metrics", line)
        self.assertTrue(url, line)
        return process, url[0]

    def test_over_http(self):
        for address in ("127.0.0.1:0", "[::1]:0"):
            process, url = self.serve(address)
            with urllib.request.urlopen(url, timeout=world.PATIENCE) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
                self.expect_all(answer.read().decode())
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url.replace("/metrics", "/other"), timeout=world.PATIENCE)
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()
            host = url.split("/")[2]
            connection = http.client.HTTPConnection(host, timeout=world.PATIENCE)
            connection.request("POST", "/metrics", body=b"x" * 1000)
            self.assertEqual(connection.getresponse().status, 405)
            connection.close()
            process.terminate()
            self.assertEqual(process.wait(world.PATIENCE), 0)

    def test_the_endpoint_follows_what_is_attached(self):
        process, url = self.serve("127.0.0.1:0")
        read = lambda: self.read(urllib.request.urlopen(url, timeout=world.PATIENCE).read().decode())  # noqa: E731
        self.xdpc("attach", self.policy, "--dev", "edge0", "--confirm", "600s")
        values = read()
        self.assertEqual((values[("xdpc_trial_running",)], values[("xdpc_policy_generation",)]), (1, 2))
        self.assertGreater(values[("xdpc_trial_remaining_seconds",)], 500)
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual([key[0] for key in read()], ["xdpc_build_info"])

    def test_bad_addresses(self):
        for address in ("9427", "localhost:9427", "127.0.0.1:port", "127.0.0.1:70000", "::1:9427"):
            self.assertIn("is not ADDR:PORT", self.xdpc("metrics", "--listen", address, code=2))
        _, url = self.serve("127.0.0.1:0")
        self.assertIn("Address already in use", self.xdpc("metrics", "--listen", url.split("/")[2], code=3))

    def test_other_namespaces_are_told_apart(self):
        self.xdpc("attach", self.policy, "--dev", "edge0", "--netns", "peer")
        families = exposition.parse(self.xdpc("metrics"))
        places = {labels[:2] for labels in families["xdpc_policy_generation"][2]}
        self.assertEqual(places, {(("device", "edge0"), ("netns", "")), (("device", "edge0"), ("netns", "peer"))})
        self.assertEqual(len(json.loads(self.xdpc("list", "--json"))["attached"]), 2)


world.main()
