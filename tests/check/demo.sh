#!/usr/bin/env bash
# demo.sh XDPC SOURCE: ./dev demo works in both of its forms, ends, and leaves nothing behind.
set -euo pipefail
"$2/examples/demo.sh" "$1" offline | tee /dev/stderr | grep -q 'frames, .* drop'
[ "$(id -u)" -eq 0 ] || { echo "skip root: the live half"; exit 0; }
before=$(ip netns list | wc -l)
"$2/examples/demo.sh" "$1" | tee /dev/stderr | grep -q '^syn_flood  *[1-9]'
[ "$(ip netns list | wc -l)" -eq "$before" ]
