# What commands that change something say with --json, for those who run them from programs.
import json
import pathlib

import world

OLD = "set banned of ip { capacity 64 }\npolicy old {\n  listed: drop when ip.src in banned\n  default pass\n}\n"
NEW = OLD.replace("policy old", "policy new").replace("capacity 64", "capacity 128")


class ChangeJson(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.old, self.new = world.policy_file("old.xf", OLD), world.policy_file("new.xf", NEW)

    def change(self, command, *arguments, code=0):
        out = json.loads(self.xdpc(command, *arguments, "--json", code=code))
        self.assertEqual(out.pop("schema"), 1)
        return out

    def test_from_attach_to_detach(self):
        device = ("--dev", "edge0")
        first = self.change("attach", self.old, *device)
        (place,) = first["devices"]
        listed = self.attached()[0]
        self.assertEqual((place["device"], place["mode"], place["link"]), ("edge0", "native", listed["link"]))
        self.assertEqual((first["policy"], first["generation"], first["program"]), ("old", 1, listed["program"]))
        self.assertEqual((first["in_place_of"], first["trial"], first["copied"], first["warnings"]), (None, None, [], []))
        trial = self.change("attach", self.new, *device, "--confirm", "90s")
        self.assertEqual((trial["policy"], trial["in_place_of"], trial["trial"], trial["copied"]), ("new", "old", {"seconds": 90}, ["banned"]))
        self.assertEqual(self.change("confirm", *device), {"policy": "new", "devices": ["edge0"], "notes": []})
        back = self.change("rollback", *device)
        self.assertEqual(back, {"policy": "old", "generation": 1, "devices": ["edge0"], "in_place_of": "new", "notes": []})
        off = self.change("detach", *device)
        self.assertEqual(off["detached"], [{"policy": "old", "devices": ["edge0"], "goes_on_on": [], "notes": []}])
        self.assertEqual(off["missing"], [])

    def test_a_trial_over_nothing_goes_back_to_nothing(self):
        self.change("attach", self.old, "--dev", "edge0", "--confirm", "90s")
        back = self.change("rollback", "--dev", "edge0")
        self.assertEqual((back["policy"], back["generation"], back["in_place_of"]), (None, None, "old"))

    def test_saved_and_restored(self):
        self.attach(self.old)
        self.xdpc("set", "add", "banned", "192.0.2.1", "2001:db8::1", "--dev", "edge0")
        path = pathlib.Path("/run/test/saved")
        saved = self.change("save", "--dev", "edge0", "-o", str(path))
        self.assertEqual(saved, {"policy": "old", "device": "edge0", "netns": "", "elements": 2, "file": str(path)})
        self.xdpc("detach", "--dev", "edge0")
        restored = self.change("restore", str(path))
        self.assertEqual((restored["policy"], restored["elements"], [one["device"] for one in restored["devices"]]), ("old", 2, ["edge0"]))

    def test_generic_mode_has_its_warning(self):
        forced = self.change("attach", self.old, "--dev", "lo")
        self.assertEqual([one["mode"] for one in forced["devices"]], ["generic"])
        self.assertEqual(len(forced["warnings"]), 1)
        self.xdpc("detach", "--dev", "lo")


world.main()
