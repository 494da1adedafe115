#!/usr/bin/env bash
# Runs bench.py in mount and network namespaces of its own, which take every mount and device along when it ends.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "bench: needs root: it loads programs into the kernel" >&2; exit 3; }
exec unshare --mount --net --propagation private python3 "$here/bench.py" "$@"
