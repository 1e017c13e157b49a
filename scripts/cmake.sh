# The developer's native build (CMakeLists.txt) through cmake-js. Sourced by the scripts that need it.

# cmake_js VERB FOLDER [ARGS…]: configures or builds build-native/FOLDER. Only a failure's output is shown.
cmake_js() {
  local verb=$1 out="build-native/$2"; shift 2
  mkdir -p "$out"
  node_modules/.bin/cmake-js "$verb" -O "$out" -B Debug -p "$(nproc)" "$@" >"$out/$verb.log" 2>&1 ||
    { cat "$out/$verb.log" >&2; die "the native build failed ($out/$verb.log)"; }
}
