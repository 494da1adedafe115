# A virtual machine without a disk: everything lies in its initial file system. Emulated, so that no /dev/kvm is needed and
# nothing about it depends on the host.
import os
import re
import shutil
import subprocess
import tempfile

APPLETS = ["sh", "mount", "insmod", "uname", "poweroff", "echo", "cat", "rm", "basename", "tail", "mkdir"]
PROLOGUE = """#!/bin/sh
export PATH=/bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t bpf none /sys/fs/bpf
for module in /modules/*.ko; do insmod "$module"; done
ip link set lo up; ip link add va type veth peer name vb; ip link set va up; ip link set vb up
echo "guest: $(uname -r)"
"""


def _copy_program(source, root):
    """The program into /bin, and the shared objects that it needs to where the loader looks for them."""
    shutil.copy(source, os.path.join(root, "bin"))
    listed = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
    for library in re.findall(r"(/\S+) \(0x", listed):
        target = root + library
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            shutil.copy(library, target)


def _file_system(root, kernel, programs, files, script):
    for folder in ["bin", "proc", "sys", "dev", "tmp", "run/netns", "modules", "files"]:
        os.makedirs(os.path.join(root, folder))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin"))
    for applet in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", applet))
    for program in programs:
        _copy_program(program, root)
    for name in os.listdir(kernel):
        if name.endswith(".ko"):
            shutil.copy(os.path.join(kernel, name), os.path.join(root, "modules"))
    for source in files:
        shutil.copy(source, os.path.join(root, "files"))
    init = os.path.join(root, "init")
    with open(init, "w") as out:
        out.write(PROLOGUE + script + "\necho 'guest: done'\npoweroff -f\n")
    os.chmod(init, 0o755)


def run(kernel, programs, files, script, timeout, memory=1536):
    """Boots the prepared kernel, runs the script with `files` in /files. The lines of its console; raises RuntimeError if it
    does not reach its end within `timeout` seconds."""
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "root")
        _file_system(root, kernel, programs, files, script)
        initrd = os.path.join(work, "initrd")
        with open(initrd, "wb") as out:
            names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names, stdout=out, check=True)
        shutil.rmtree(root)
        console = os.path.join(work, "console")
        with open(console, "wb") as out:
            subprocess.run(
                ["timeout", str(timeout), "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single",
                 "-cpu", "max", "-m", str(memory), "-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", initrd,
                 "-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check",
                 "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        lines = open(console, errors="replace").read().replace("\r", "").splitlines()
    if "guest: done" not in lines:
        raise RuntimeError("the guest did not reach its end:\n" + "\n".join(lines[-30:]))
    return lines
