"""run.py XDPC SOURCE CACHE [PACKAGE]: what xdpc compiles loads on another kernel, by default Debian 12's own (6.1).

Boots the kernel of the package, loads the object of every example and of every packet test in it with bpftool, and lets xdpc
attach, count, detach and test the examples there.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import guest
import image

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import machine

SCRIPT = """
for object in /files/*.o; do
  name=$(basename $object .o)
  if bpftool prog load $object /sys/fs/bpf/p 2>/tmp/log; then echo "loaded $name"; rm /sys/fs/bpf/p
  else echo "refused $name"; tail -n 4 /tmp/log; fi
done
mkdir -p /sys/fs/bpf/xdpc
for policy in /files/example.*.xf; do
  name=$(basename $policy .xf)
  object=/files/$name.o
  if xdpc attach $object --dev va >/tmp/log 2>&1 && xdpc counters --dev va >>/tmp/log 2>&1 \\
    && xdpc detach --dev va >>/tmp/log 2>&1; then echo "attached $name"; else echo "refused $name"; cat /tmp/log; fi
  if xdpc test --engine kernel $policy >/tmp/log 2>&1; then echo "tested $name"; else echo "failed $name"; cat /tmp/log; fi
done
"""
# What an older verifier does not get through, and newer ones do: to be made cheaper, not to be forgotten.
TOO_MUCH = {}  # name of the policy: why
PROGRAMS = ["qemu-system-x86_64", "busybox", "cpio"]


def policies(source):
    """(name in the guest, path) of every policy that compiles and needs no file beside itself."""
    for path in sorted(glob.glob(os.path.join(source, "examples", "*", "*.xf"))):
        yield "example." + os.path.basename(path)[:-3], path
    for path in sorted(glob.glob(os.path.join(source, "tests", "packet", "*", "*.xf"))):
        yield os.path.basename(os.path.dirname(path)) + "." + os.path.basename(path)[:-3], path


def build(xdpc, source, folder):
    files, expected = [], {"loaded": [], "attached": [], "tested": [], "refused": []}
    for name, path in policies(source):
        out = os.path.join(folder, name + ".o")
        done = subprocess.run([xdpc, "build", path, "-o", out], capture_output=True, text=True)
        if done.returncode:
            continue  # declarations for others, or wrong on purpose
        files.append(out)
        expected["refused" if name in TOO_MUCH else "loaded"].append(name)
        text = open(path).read()
        if name.startswith("example.") and not any(word in text for word in ("load \"", "use \"", "extern \"", "to dev")):
            copy = os.path.join(folder, name + ".xf")
            shutil.copy(path, copy)
            files.append(copy)
            expected["attached"].append(name)
            expected["tested"].append(name)
    return files, expected


def main(xdpc, source, cache, package="linux-image-cloud-amd64"):
    for program in PROGRAMS:
        if not shutil.which(program):
            print(f"skip {program}: not installed")
            return machine.SKIPPED
    if not machine.find_bpftool():
        print("skip bpftool: not installed")
        return machine.SKIPPED
    try:
        kernel = image.prepare(package, cache)
    except image.Unavailable as missing:
        print(f"skip kernel image: {missing}")
        return machine.SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        files, expected = build(xdpc, source, folder)
        if len(expected["loaded"]) < 50 or len(expected["attached"]) < 4:
            print(f"too few policies to try: {expected}")
            return 1
        programs = [xdpc, machine.find_bpftool(), shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")]
        console = guest.run(kernel, programs, files, SCRIPT, timeout=900)
    missing = [f"{did} {name}" for did, names in expected.items() for name in names if f"{did} {name}" not in console]
    for line in missing:
        print("not", line)
    if missing:
        print("\n".join(console))
    release = next(line for line in console if line.startswith("guest: "))
    print(f"{release[7:]}: {len(expected['loaded'])} objects loaded, {len(expected['attached'])} policies attached and tested")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
