{
  'variables': {
    'napi_include%': '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api\'))")',
    'warnings': ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-missing-field-initializers'],
    # Linked into both the addon (glibc) and berth-init (musl): no allocation, no exceptions, no libstdc++ at run time.
    'sys_shared': [
      'native/sys/process.cc',
    ],
    # The addon alone.
    'sys_addon': [
      'native/sys/chunk_queue.cc',
      'native/sys/gunzip.cc',
      'native/sys/layer_attributes.cc',
      'native/sys/layer_blob.cc',
      'native/sys/layer_copy_up.cc',
      'native/sys/layer_lowers.cc',
      'native/sys/layer_tree.cc',
      'native/sys/layer_unpack.cc',
      'native/sys/layer_whiteout.cc',
      'native/sys/layer_writer.cc',
      'native/sys/lock.cc',
      'native/sys/remove_tree.cc',
      'native/sys/sha256.cc',
      'native/sys/tar_header.cc',
      'native/sys/tar_pax.cc',
      'native/sys/tar_reader.cc',
      'native/sys/tar_sparse.cc',
    ],
  },
  'target_defaults': {
    'include_dirs': ['native'],
    'cflags_cc!': ['-std=gnu++17', '-fno-rtti'],
    'cflags_cc': ['-std=c++20', '<@(warnings)', '-O2', '-fvisibility=hidden'],
  },
  'targets': [
    {
      'target_name': 'berth',
      'sources': [
        'native/addon/module.cc',
        'native/addon/error.cc',
        'native/addon/lock.cc',
        'native/addon/process.cc',
        'native/addon/unpack.cc',
        '<@(sys_shared)',
        '<@(sys_addon)',
      ],
      'cflags_cc': ['-isystem', '<(napi_include)'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'libraries': ['-lsimdjson', '-l:libseccomp.a', '-lisal', '-l:libnettle.a', '-lz'],
    },
  ],
}
