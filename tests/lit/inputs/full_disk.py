# full_disk.py XDPC POLICY FOLDER: builds onto a file system of a few pages that is nearly full. In a mount namespace.
import os
import subprocess
import sys

xdpc, policy, folder = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=True)
with open(f"{folder}/x.o", "w") as old:
    old.write("the old one")
with open(f"{folder}/filler", "wb") as filler:
    filler.write(bytes(8192))
done = subprocess.run([xdpc, "build", policy, "-o", f"{folder}/x.o"], capture_output=True, text=True)
print(f"exit {done.returncode}")
print(done.stderr)
print("left behind:", sorted(os.listdir(folder)))
with open(f"{folder}/x.o") as old:
    print("x.o holds:", old.read())
