#!/usr/bin/env bash
# Runs a command beside a throw-away Ceph object store (radosgw with a monitor and an OSD, Debian's packages):
#
#   deploy/radosgw.sh COMMAND...
#
# COMMAND finds the store in TEST_S3_URL, written as STORAGE_URL is; the bucket has to be made. Everything listens on
# 127.0.0.1 alone, on ports that were free, keeps its files in one new directory and objects in memory, and is gone when
# COMMAND ends, however this ends: a watcher outlives a script that is killed. For tests: it asks nobody who they are
# but S3 clients, and loses all it holds.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
for program in ceph-mon ceph-osd radosgw radosgw-admin ceph monmaptool uuidgen; do
  command -v "$program" >/dev/null ||
    { echo "$program is missing: apt-get install ceph-base ceph-mon ceph-osd radosgw uuid-runtime" >&2; exit 1; }
done

home=$(mktemp -d -t radosgw.XXXXXXXX)
conf=$home/ceph.conf
read -r mon_port s3_port < <(python3 - <<'PYTHON'
import socket

taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in taken))
PYTHON
)
access=$(uuidgen | tr -d -) secret=$(uuidgen | tr -d -)

cat >"$conf" <<CONF
[global]
fsid = $(uuidgen)
mon_host = [v1:127.0.0.1:$mon_port]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $home
log_file = $home/\$name.log
pid_file = $home/\$name.pid
admin_socket = $home/\$name.asok
crash_dir = $home
keyring = $home/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data = $home/mon
mon_data_avail_crit = 1
osd_data = $home/osd
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_max_object_name_len = 256
osd_max_object_namespace_len = 64
[client.rgw]
rgw_data = $home/rgw
rgw_frontends = beast endpoint=127.0.0.1:$s3_port
rgw_enable_apis = s3
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_dynamic_resharding = false
CONF

daemons=()
end() {
  trap - EXIT
  # `|| true`: what is gone already needs no end.
  for pid in "${daemons[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  rm -rf "$home"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

start() { # NAME COMMAND...: a daemon in the foreground of a process of its own
  local name=$1
  shift
  "$@" -f -c "$conf" >"$home/$name.out" 2>&1 &
  daemons+=($!)
  echo $! >>"$home/daemons"
  disown
}

fail() {
  echo "radosgw: $1" >&2
  tail -n 20 "$home"/*.out "$home"/*.log >&2 || true
  exit 1
}

await() { # SECONDS WHAT COMMAND...
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    for pid in "${daemons[@]}"; do kill -0 "$pid" 2>/dev/null || fail "a daemon died before $what"; done
    [ $SECONDS -lt $until ] || fail "no $what in time"
    sleep 0.3
  done
}

# This script may be killed in a way that it cannot see: then somebody else has to clean up.
touch "$home/daemons"
setsid bash -c '
  while kill -0 "$1" 2>/dev/null; do sleep 2; done
  while read -r pid; do
    grep -qzF -- "$2" "/proc/$pid/cmdline" 2>/dev/null && kill -KILL "$pid"
  done <"$2/daemons"
  rm -rf "$2"
' watcher $$ "$home" >/dev/null 2>&1 &
disown

mkdir "$home/mon" "$home/osd" "$home/rgw"
touch "$home/keyring"
quietly() { "$@" >"$home/setup.out" 2>&1 || fail "$* failed"; }
ask() { ceph -c "$conf" --connect-timeout 5 "$@"; }

quietly monmaptool --create --addv a "[v1:127.0.0.1:$mon_port]" --fsid "$(sed -n 's/^fsid = //p' "$conf")" "$home/monmap"
quietly ceph-mon --mkfs -i a -c "$conf" --monmap "$home/monmap"
start mon ceph-mon -i a
await 60 "monitor" ask mon stat
quietly ask osd new "$(uuidgen)" 0
quietly ceph-osd -i 0 --mkfs -c "$conf" --osd-uuid "$(ask osd dump --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["osds"][0]["uuid"])')"
start osd ceph-osd -i 0
await 60 "OSD" bash -c "ceph -c '$conf' --connect-timeout 5 osd stat --format json | grep -q '\"num_up_osds\": *1'"
quietly radosgw-admin -c "$conf" -n client.rgw user create --uid tests --display-name Tests \
  --access-key "$access" --secret-key "$secret"
start rgw radosgw -n client.rgw
await 60 "answer of the gateway" python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$s3_port/', timeout=2)"

echo "radosgw: an object store on 127.0.0.1:$s3_port after $SECONDS s" >&2
TEST_S3_URL="s3://$access:$secret@tests?endpoint=http://127.0.0.1:$s3_port&region=eu-north-1" "$@"
