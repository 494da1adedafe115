#!/usr/bin/env bash
# bpftool.sh XDPC SOURCE: a stranger's loader takes every example's object as it is, in a bpffs of its own, and finds there the
# maps that the manifest names.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "skip root: loading programs"; exit 77; }
if [ "${3:-}" != inside ]; then
  exec unshare --mount --propagation private "$0" "$1" "$2" inside
fi
folder=$(mktemp -d)
trap 'umount "$folder" || true; rm -rf "$folder" "$folder.o"' EXIT
mount -t bpf bpf "$folder"
count=0
for policy in "$2"/examples/*/*.xf; do
  "$1" build "$policy" -o "$folder.o" 2>/dev/null
  bpftool prog load "$folder.o" "$folder/program" 2>"$folder.log" || { cat "$folder.log"; exit 1; }
  shown=$(bpftool prog show pinned "$folder/program")
  [[ $shown =~ ^[0-9]+:\ xdp\ +name\ xdpc\  ]] || { echo "$policy: not an XDP program: $shown"; exit 1; }
  rm "$folder/program" "$folder.log"
  count=$((count + 1))
done
[ "$count" -ge 4 ] || { echo "only $count examples"; exit 1; }
echo "bpftool loads $count objects"
