#!/usr/bin/env bash
# guest.sh LAYOUT: what host.test.ts has done in a guest that was booted from the host image, with a container's image from LAYOUT. Prints what it
# finds as lines of a name, a tab and a value; the test outside judges them.
set -uo pipefail
image=oci:$1
cgroups=/sys/fs/cgroup scope=/sys/fs/cgroup/machine.slice/berth.scope
state=${BERTH_STATE:-/run/berth} root=${BERTH_ROOT:-/var/lib/berth}

tell() { printf '%s\t%s\n' "$1" "$(tr '\n' ' ' <<<"$2" | sed 's/ *$//')"; }
# until_gone WHAT COMMAND…: waits for the command to fail; tells how it ended.
until_gone() {
  local what=$1 tries; shift
  for ((tries = 0; tries < 600; tries++)); do "$@" >/dev/null 2>&1 || { tell "$what" gone; return; }; sleep 0.1; done
  tell "$what" there
}
supervised() { grep -lz '^berth-init$' /proc/[0-9]*/cmdline 2>/dev/null | grep -q .; }
limits() { for file in memory.max pids.max cpu.max cgroup.procs; do echo "$file:$(cat "$1/$file")"; done; }

tell node "$(node --version)"
tell doctor "$(berth doctor --json; echo $?)"
tell first.scope "$([ -d "$scope" ] && echo there || echo gone)"
tell run "$(berth run --rm "$image" sh -c 'echo from; hostname | wc -c' 2>&1)"

# Started by a service that ends at once, and whose every process systemd then kills.
systemd-run --quiet --wait --unit=starter --setenv=BERTH_ROOT="$root" --setenv=BERTH_STATE="$state" \
  --property=StandardOutput=file:/run/started --property=StandardError=file:/run/started.err \
  berth run -d --name kept --memory 64m --cpus 0.5 --pids-limit 50 "$image" sleep 1000
tell starter $?
tell starter.err "$(cat /run/started.err)"
id=$(cat /run/started)
place=$(echo "$scope"/berth-*/"$id")
tell place "${place#"$cgroups"}"
tell scope "$(systemctl show berth.scope -p Delegate -p TasksMax -p ActiveState -p Slice)"
tell top "$(cat "$scope/cgroup.procs")"
tell limits.before "$(limits "$place")"
systemctl daemon-reload; tell reload $?
systemctl restart systemd-timesyncd; tell restart $?
systemctl daemon-reexec; tell reexec $?
tell limits.after "$(limits "$place")"
tell controllers "$(cat "$place/cgroup.controllers")"
tell ps "$(berth ps --json)"
tell stop "$(berth stop -t 1 kept 2>&1)"
tell rm "$(berth rm kept 2>&1)"
until_gone supervisors supervised
until_gone scope.afterwards test -e "$scope"
tell unit.afterwards "$(systemctl show berth.scope -p LoadState)"

# Killed while it makes the scope, or a little later: nothing holds the scope then.
berth run --rm "$image" true & victim=$!
until [ -d "$scope" ]; do sleep 0.02; done
kill -KILL $victim
until_gone scope.after.kill test -e "$scope"

# Each comes while the last one's scope is being removed.
tell launches "$(node dist/test/vm/host/launches.js "$1" 2>&1)"
# As in a container of another engine: no systemd to ask, and processes in the top of the hierarchy, until they are moved as doctor says.
# shellcheck disable=SC2016
tell undelegated "$(unshare --cgroup --mount bash -c '
  mount -t tmpfs none /run/systemd && umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && cd /sys/fs/cgroup || exit
  berth run --rm "$1" true 2>&1; echo "status $?;"
  berth doctor | grep "^cgroup delegation"
  mkdir init; for pid in $(cat cgroup.procs); do echo "$pid" >init/cgroup.procs; done 2>/dev/null
  berth run --rm "$1" echo mended' bash "$image" 2>&1)"
until_gone scope.at.end test -e "$scope"
until_gone supervisors.at.end supervised
tell left "$(find "$state/containers" "$root/containers" "$root/names" -mindepth 1; find "$cgroups" -name 'berth*'; grep berth /proc/self/mountinfo)"
tell end reached
