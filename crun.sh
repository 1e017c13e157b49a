umount /sys/fs/cgroup/unified && mount -t tmpfs tmpfs /sys/fs/cgroup/unified
cd /tmp/bx
time crun --root /tmp/bx/crunroot run -b b x1; echo rc=$?
time crun --root /tmp/bx/crunroot run -b b x1; echo rc=$?
