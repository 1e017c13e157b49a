#!/usr/bin/env bash
# service.sh first|second LAYOUT: what service.test.ts has done in a guest that was booted from a host image of its own, before and after an orderly restart, with a container's image from
# LAYOUT. Prints what it finds as lines of a name, a tab and a value; the test outside judges them.
set -uo pipefail
image=oci:$2

tell() { printf '%s\t%s\n' "$1" "$(tr '\n' ' ' <<<"$2" | sed 's/ *$//')"; }
# until_so COMMAND…: waits until the command succeeds.
until_so() { local tries; for ((tries = 0; tries < 1200; tries++)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "never: $*" >&2; return 1; }
# Node takes seconds to start here: the answer is kept, and looked into without it.
look() { seen=$(berth agent status --json); }
# The numbers and truths of a name; several in their order.
field() { grep -o "\"$1\":[^,}]*" <<<"$seen" | cut -d: -f2 | paste -sd' '; }
registered() { look; grep -q '"registered":true' <<<"$seen"; }
tasks() { grep -o '"container_id"' <<<"$seen" | wc -l; }
sleeper() { grep -lz '^100000$' /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n' | while read -r pid; do [ "$(cat "/proc/$pid/comm")" != sleep ] || echo "$pid"; done | paste -sd' '; }
# Those of tasks have no name but their id.
containers() { berth ps -a | awk 'NR > 1 && $1 != $2 { print $2 ":" $4 }' | sort | paste -sd' '; }
unit=/etc/systemd/system/berth-agent.service

case $1 in
  first)
    tell doctor "$(berth doctor --root /var/tmp/berth --json; echo $?)"
    tell run "$(berth run --rm --memory 64m "$image" sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null' 2>/dev/null)"
    tell none "$(berth agent status; echo $?)"
    tell refused "$(berth agent install --listen 192.0.2.1:5051 2>&1; echo $?)"
    # What it is told can be understood, and cannot be done: no such address is this host's.
    mkdir -p /etc/berth; (umask 077; echo '{"listen": "192.0.2.1:5051", "plain_http": true, "credentials": [{"principal": "a", "secret": "b"}]}' >/etc/berth/agent.json)
    tell failed "$(berth agent install 2>&1; echo $?)"
    tell failed.left "$(ls $unit 2>&1; systemctl show berth-agent -p LoadState -p ActiveState; find /etc/systemd/system/multi-user.target.wants -name 'berth*')"
    rm /etc/berth/agent.json

    # Here an agent takes longer to start than a master waits for one.
    echo '{"agent_timeout_seconds": 1200}' >/etc/berth/master.json
    tell master "$(berth master install 2>&1; echo $?)"
    tell agent "$(berth agent install --attributes rack:a --json 2>&1)"
    until_so registered
    tell modes "$(stat -c '%a %U %n' /etc/berth/agent.json $unit /var/lib/berth/agent /run/berth/agent/agent.sock)"
    tell again "$(berth agent install --attributes rack:a 2>&1)"
    tell other "$(berth agent install --attributes rack:b 2>&1; echo $?)"
    tell nodes "$(berth node ls --json)"
    tell master.status "$(berth master status --json)"
    tell enabled "$(systemctl is-enabled berth-agent berth-master)"

    tell task "$(node dist/test/vm/host/task.js kept 2>&1)"
    tell sleeper "$(sleeper)"
    tell place "$(tail -n 1 "/proc/$(sleeper)/cgroup")"
    tell unit "$(grep -c berth-agent.service "/proc/$(sleeper)/cgroup")"
    tell status "$(berth agent status)"
    before=$(systemctl show berth-agent -P MainPID)
    systemctl restart berth-agent; tell restart $?
    until_so registered
    tell restarted "$(sleeper) $(tasks) $([ "$(systemctl show berth-agent -P MainPID)" != "$before" ] && echo other)"

    # Other code.
    sed -i '1s/= "/= "00/' /usr/lib/berth/dist/bundle/daemons.cjs
    tell outdated "$(berth agent status | grep mend)"
    tell upgrade "$(berth agent install 2>&1)"
    until_so registered
    tell upgraded "$(sleeper) $(tasks) $(field outdated)"

    before=$(systemctl show berth-agent -P MainPID)
    kill -KILL "$before"
    started_again() { registered && [ "$(systemctl show berth-agent -P MainPID)" != "$before" ]; }
    until_so started_again
    tell killed "$(sleeper) $(tasks) $(field restarts)"
    tell journal "$(journalctl -u berth-agent -o cat --no-pager | grep 'taken up')"
    tell survives "$(systemctl stop berth-agent; sleeper)"
    tell running "$(berth agent uninstall 2>&1; echo $?)"
    systemctl start berth-agent
    until_so registered
    for policy in always unless-stopped no; do berth run -d --name "$policy" --restart "$policy" "$image" sleep 200000; done >/dev/null
    berth run -d --name stopped --restart unless-stopped "$image" sleep 200000 >/dev/null
    berth stop -t 0 stopped >/dev/null
    tell containers "$(containers)"
    ;;
  second)
    until_so registered
    tell boot "$(systemctl is-active berth-agent berth-master)"
    started_again() { [[ "$(containers)" = always:running* ]] && [[ "$(containers)" = *unless-stopped:running* ]]; }
    until_so started_again
    tell containers "$(containers)"
    berth rm -f always unless-stopped no stopped >/dev/null
    tell told "$(berth task ls --all --json)"
    tell gone "$(journalctl -b -u berth-agent -o cat --no-pager | grep 'started anew')"
    tell sleeper "$(sleeper)"
    tell task "$(node dist/test/vm/host/task.js second 2>&1)"
    first=$(sleeper)
    tell uninstalled "$(berth agent uninstall --force 2>&1; echo $?)"
    tell alone "$([ "$(sleeper)" = "$first" ] && echo same) $(ls $unit 2>&1)"
    tell taken "$(berth agent install 2>&1; echo $?)"
    until_so registered
    tell adopted "$([ "$(sleeper)" = "$first" ] && echo same) $(tasks)"
    tell purged "$(berth agent uninstall --force --purge 2>&1; echo $?)"
    tell master "$(berth master uninstall --purge 2>&1; echo $?)"
    until_so test ! -e /sys/fs/cgroup/machine.slice/berth.scope
    tell left "$(sleeper; find /etc/berth /run/berth /var/lib/berth /etc/systemd -name '*agent*' -o -name '*master*' -o -name 'berth*.service' -o -name sandboxes; find /sys/fs/cgroup -name 'berth*'; grep -lz 'berth.cjs$' /proc/[0-9]*/cmdline 2>/dev/null; find /var/lib/berth/containers /run/berth/containers -mindepth 1; systemctl list-units --all 'berth*' --no-legend)"
    tell none "$(berth agent uninstall; echo $?)"
    ;;
esac
tell end reached
