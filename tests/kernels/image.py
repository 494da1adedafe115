# Kernels of Debian as files to boot: fetched by the package's name with apt-get, unpacked, kept in a folder of the build.
import glob
import os
import re
import shutil
import subprocess
import tempfile

MODULES = ["veth"]  # that a guest needs and Debian's kernel does not have built in


class Unavailable(Exception):
    """The package cannot be had: no network, or no such package."""


def _real_package(name):
    """The image that a metapackage such as linux-image-cloud-amd64 depends on."""
    while True:
        out = subprocess.run(["apt-cache", "depends", name], capture_output=True, text=True).stdout
        found = re.search(r"Depends: (linux-image-[0-9]\S*)", out)
        if not found:
            return name
        name = found.group(1)


def prepare(package, cache):
    """A folder with `vmlinuz` and the modules, made at most once. Raises Unavailable."""
    package = _real_package(package)
    folder = os.path.join(cache, package)
    if os.path.exists(os.path.join(folder, "vmlinuz")):
        return folder
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        got = subprocess.run(["apt-get", "-qq", "download", package], cwd=work, capture_output=True, text=True)
        archives = glob.glob(os.path.join(work, "*.deb"))
        if got.returncode or not archives:
            raise Unavailable(f"{package}: {got.stderr.strip() or 'not downloaded'}")
        root = os.path.join(work, "root")
        subprocess.run(["dpkg-deb", "-x", archives[0], root], check=True)
        ready = os.path.join(work, "ready")
        os.mkdir(ready)
        shutil.copy(glob.glob(os.path.join(root, "boot", "vmlinuz-*"))[0], os.path.join(ready, "vmlinuz"))
        for module in MODULES:
            for found in glob.glob(os.path.join(root, "**", module + ".ko*"), recursive=True):
                shutil.copy(found, ready)
                if found.endswith(".xz"):
                    subprocess.run(["xz", "-d", os.path.join(ready, os.path.basename(found))], check=True)
        os.rename(ready, folder)
    return folder
