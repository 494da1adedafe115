#!/usr/bin/env bash
# demo.sh XDPC SOURCE: ./dev demo works in both of its forms, ends, and leaves nothing behind.
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$2/examples/demo.sh" "$1" offline | tee "$log"
grep -q 'frames, .* drop' "$log"
[ "$(id -u)" -eq 0 ] || { echo "skip root: the live half"; exit 0; }
"$2/examples/demo.sh" "$1" | tee "$log"
grep -q '^syn_flood  *[1-9]' "$log"
! ip netns list | grep 'xdpc-demo-'
