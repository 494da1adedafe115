# exits.py CODE COMMAND…: runs the command; fine if it ends with that exit code, and not by a signal.
import subprocess
import sys

expected, *command = sys.argv[1:]
code = subprocess.run(command).returncode
if code != int(expected):
    print(f"exit code {code}, expected {expected}: {' '.join(command)}")
sys.exit(0 if code == int(expected) else 1)
