#!/usr/bin/env bash
# ./dev demo: compiles examples/web_edge, and shows it at work. As root on live traffic between two network namespaces, with a
# bpffs of its own, all of which goes away with this script; otherwise on the embedded engine over generated packets.
set -euo pipefail
xdpc=$(realpath "$1")
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
policy=$here/web_edge/web_edge.xf

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ xdpc %s\033[0m\n' "$*"; }
run() { show "$*"; "$xdpc" "$@"; }

offline() {
  say "the policy's own tests, on the embedded engine"
  run test -Wno-protect-unproved "$policy"
  say "the policy over generated packets"
  folder=$(mktemp -d)
  trap "rm -rf $folder" EXIT
  python3 "$here/demo_packets.py" capture "$folder/demo.pcap"
  run run "$policy" --pcap "$folder/demo.pcap" 2>/dev/null
}

live() {
  mkdir -p /tmp/xdpc-demo.$$ && mount -t bpf bpf /tmp/xdpc-demo.$$
  local bpffs=/tmp/xdpc-demo.$$ host=xdpc-demo-host-$$ peer=xdpc-demo-peer-$$
  trap "ip netns del $host; ip netns del $peer; umount $bpffs; rmdir $bpffs" EXIT
  ip netns add "$host"
  ip netns add "$peer"
  ip link add edge0 netns "$host" type veth peer name edge0 netns "$peer"
  ip -n "$host" addr add 192.0.2.1/24 dev edge0
  ip -n "$host" addr add 2001:db8:42::1/64 dev edge0 nodad
  ip -n "$peer" addr add 192.0.2.9/24 dev edge0
  ip -n "$peer" addr add 203.0.113.5/24 dev edge0
  ip -n "$peer" addr add 2001:db8:42::9/64 dev edge0 nodad
  ip -n "$host" link set edge0 up
  ip -n "$peer" link set edge0 up
  ip -n "$host" route add 203.0.113.0/24 dev edge0
  local target=(--dev edge0 --netns "$host" --bpffs "$bpffs")

  say "attach to a veth in a network namespace"
  run attach "$policy" "${target[@]}" -Wno-protect-unproved
  run list --bpffs "$bpffs"

  say "a server on 22, 80 and 8443; clients from the management network and from elsewhere"
  nsenter --net=/run/netns/"$host" python3 "$here/demo_packets.py" serve &
  local server=$!
  sleep 0.5
  nsenter --net=/run/netns/"$peer" python3 "$here/demo_packets.py" connect
  kill "$server" && wait "$server" 2>/dev/null || true

  say "a flood of 600 SYN from one network, then the ban; another set element by hand"
  nsenter --net=/run/netns/"$peer" python3 "$here/demo_packets.py" flood
  run set add banned 198.51.100.0/24 --for 10m "${target[@]}"
  run set list banned "${target[@]}"

  say "what was counted"
  run counters "${target[@]}"
  run detach "${target[@]}"
}

if [ "${2:-}" = live ]; then
  live
elif [ "$(id -u)" -eq 0 ] && [ "${2:-}" != offline ]; then
  exec unshare -m --propagation private "$0" "$1" live
else
  offline
fi
