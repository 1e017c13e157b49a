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
      'native/sys/proc_fields.cc',
      'native/sys/proc_file.cc',
      'native/sys/sampler.cc',
      'native/sys/sampler_cgroup.cc',
      'native/sys/sampler_members.cc',
      'native/sys/sampler_process.cc',
      'native/sys/taskstats.cc',
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
        'native/addon/process.cc',
        'native/addon/sample.cc',
        '<@(sys_shared)',
        '<@(sys_addon)',
      ],
      'cflags_cc': ['-isystem', '<(napi_include)'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'libraries': ['-lsimdjson', '-l:libseccomp.a', '-lisal', '-l:libnettle.a', '-lz'],
    },
  ],
}
