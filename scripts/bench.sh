# ./dev bench. Sourced by ./dev.

# Its stdout is the answer alone: whatever the build says goes to stderr.
verb_bench() {
  verb_setup >&2
  if [ "$(id -u)" = 0 ]; then need_packages busybox-static; fi
  exec node dist/bench/main.js "$@"
}
