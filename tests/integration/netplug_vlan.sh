# The first process of netplug_vlan's virtual machine. Two servers a and b (network namespaces), their interfaces eth1
# joined by a cable on which the private network is VLAN 100. On a nobody has prepared anything; on b an operator has
# made eth1.100 with the server's address.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
for m in $modules; do
    insmod "/modules/$m.ko" || echo "not ok - module $m"
done

ip() { /bin/ip "$@"; } # iproute2: busybox's shell would take its own
ok() { echo "ok - $1"; }
not_ok() { # NAME TEXT
    echo "not ok - $1"
    echo "$2" | sed 's/^/    /'
}
contains() { # NAME PATTERN TEXT
    if echo "$3" | grep -qE -- "$2"; then ok "$1"; else not_ok "$1" "expected in it: $2
got: $3"; fi
}
lacks() {
    if echo "$3" | grep -qE -- "$2"; then not_ok "$1" "not expected in it: $2
got: $3"; else ok "$1"; fi
}
until_true() { # gives up after 30 s
    i=0
    until "$@"; do
        i=$((i + 1))
        [ $i -lt 300 ] || return 1
        sleep 0.1
    done
}
on() {
    h=$1
    shift
    ip netns exec "$h" "$@"
}
ask() { # SERVER OPERATION ...
    h=$1 op=$2
    shift 2
    netplug "$op" --socket "/run/$h.sock" "$@" 2>&1
}
answers() { ask "$1" links >/dev/null; }
take() { # SERVER WORD...: bridge, confirmed
    said=$(ask "$@") || return 1
    ask "$1" confirm "$(echo "$said" | sed -n 's/.*"token" *: *"\([^"]*\)".*/\1/p' | head -n 1)"
}
link() { on "$1" ip -details link show "$2" 2>&1 | tr '\n' ' '; } # SERVER LINK
rx() { on "$1" cat "/sys/class/net/$2/statistics/rx_packets"; }
forwards() { on a bridge link show | grep -q "eth1.100.*state forwarding"; }
gone() { ! on "$1" ip link show "$2" >/dev/null 2>&1; }

ip netns add a
ip netns add b
ip link add name eth1 netns a type veth peer name eth1 netns b
on a ip link set lo up
on b ip link set lo up
on b ip link set eth1 up
on b ip link add link eth1 name eth1.100 type vlan id 100
on b ip address add 10.0.0.12/24 dev eth1.100
on b ip link set eth1.100 up
for h in a b; do
    ip netns exec $h netplug --socket /run/$h.sock --state-dir /run/$h.state --log-level debug >/run/$h.log 2>&1 &
    until_true answers $h || { not_ok "netplug answers on $h" "$(cat /run/$h.log)" && poweroff -f; }
done

# ---- making ----
said=$(take a bridge --interface eth1 --vlan 100 --address 10.210.1.1/16) || not_ok "a takes VLAN 100 over" "$said"
contains "the VLAN link is made, with its id, by the kernel's 802.1Q" 'vlan protocol 802.1Q id 100 ' "$(link a eth1.100)"
contains "... it and its interface are up" '[<,]UP[,>]' "$(link a eth1.100)"
contains "... and the interface, which was down" '[<,]UP[,>]' "$(link a eth1)"
contains "... the VLAN link, not the interface, is the bridge's port" 'eth1.100.* master orc0 .* bridge_slave ' "$(link a eth1.100)"
lacks "... the interface itself is no port" 'master' "$(link a eth1)"
until_true forwards
contains "... the bridge forwards by it" 'eth1.100@?[^ ]*: .* mtu 1500 master orc0 state forwarding' "$(on a bridge link show)"
contains "orc0 has the VLAN link's MTU and the node's address" 'mtu 1500 .* inet 10.210.1.1/16 ' "$(on a ip address show orc0 | tr '\n' ' ')"

said=$(take b bridge --interface eth1 --vlan 100 --address 10.210.2.1/16) || not_ok "b takes VLAN 100 over" "$said"
contains "a VLAN link that is there is used" 'id 100 .* bridge_slave ' "$(link b eth1.100)"
contains "... its address moves to orc0" 'inet 10.0.0.12/24 ' "$(on b ip address show orc0 | tr '\n' ' ')"
lacks "... and has left it" 'inet ' "$(on b ip -4 address show eth1.100)"

# ---- carrying ----
before=$(rx b eth1.100)
contains "full packets pass between both, unfragmented" '^10.210.2.1 +ok +path MTU +1500' "$(on a netplug probe 10.210.2.1 --mtu 1500)"
after=$(rx b eth1.100)
if [ "$after" -ge $((before + 3)) ]; then
    ok "... with the tag of VLAN 100"
else
    not_ok "... with the tag of VLAN 100" "received before: $before, after: $after"
fi
contains "a larger one does not" 'path MTU +150[0-4] ' "$(on a netplug probe 10.210.2.1 --mtu 1600)"

# ---- putting back ----
said=$(ask b unbridge) || not_ok "b is put back" "$said"
if gone b orc0; then ok "put back: orc0 is gone"; else not_ok "put back: orc0 is gone" "$(link b orc0)"; fi
contains "... the operator's VLAN link stays, with its address" 'inet 10.0.0.12/24 ' "$(on b ip address show eth1.100 | tr '\n' ' ')"

said=$(take b bridge --interface eth1 --vlan 200 --address 10.210.2.1/16) || not_ok "b takes VLAN 200 over" "$said"
contains "another VLAN on the same cable is another network" '^10.210.2.1 +unreachable' \
    "$(on a netplug probe 10.210.2.1 --mtu 1500 --timeout-ms 300)"
said=$(ask b unbridge)
if gone b eth1.200; then ok "put back: a VLAN link that netplug made is gone"; else not_ok "put back: a VLAN link that netplug made is gone" "$(link b eth1.200)"; fi

said=$(ask b bridge --interface eth1 --vlan 200 --address 10.210.2.1/16 --confirm-within 10s)
contains "unconfirmed, the VLAN link is there at first ..." 'id 200' "$(link b eth1.200)"
if until_true gone b eth1.200 && gone b orc0; then ok "... and everything is put back by itself"; else not_ok "... and everything is put back by itself" "$(on b ip link)"; fi

# ---- MTU ----
on b ip link set eth1 mtu 1400
said=$(take b bridge --interface eth1 --vlan 200 --address 10.210.2.1/16) || not_ok "b takes VLAN 200 over" "$said"
contains "on an interface of MTU 1400 the VLAN link has 1400" 'mtu 1400 ' "$(link b eth1.200)"
contains "... and so has orc0" 'mtu 1400 ' "$(link b orc0)"
ask b unbridge >/dev/null

# ---- refusals ----
said=$(ask b bridge --interface eth1 --vlan 5000 --address 10.210.2.1/16)
contains "an id that is none is refused" '4094' "$said"
on b ip link add eth1.300 type veth peer name other
said=$(ask b bridge --interface eth1 --vlan 300 --address 10.210.2.1/16)
contains "somebody else's link of that name is refused by name" 'eth1.300 is there already, but not as VLAN 300' "$said"
if gone b orc0; then ok "... and nothing was made"; else not_ok "... and nothing was made" "$(link b orc0)"; fi

echo finished
poweroff -f
