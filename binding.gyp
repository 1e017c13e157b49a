{
  'variables': {
    'napi_include%': '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api\'))")',
    'musl': ['-specs=/usr/lib/x86_64-linux-musl/musl-gcc.specs'],
    'libstdcxx': ['-isystem', '/usr/include/c++/<!(g++ -dumpversion)', '-isystem', '/usr/include/x86_64-linux-gnu/c++/<!(g++ -dumpversion)'],
    'warnings': ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-missing-field-initializers'],
    # Linked into both the addon (glibc) and berth-init (musl): no allocation, no exceptions, no libstdc++ at run time.
    'sys_shared': [
      'native/sys/capability.cc',
      'native/sys/mount_api.cc',
      'native/sys/process.cc',
      'native/sys/remove_tree.cc',
      'native/sys/rooted_path.cc',
    ],
    # The addon alone.
    'sys_addon': [
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
        '<@(sys_shared)',
        '<@(sys_addon)',
      ],
      'cflags_cc': ['-isystem', '<(napi_include)'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'libraries': ['-lsimdjson', '-l:libseccomp.a', '-lisal', '-l:libnettle.a', '-lz'],
    },
    {
      # Static, on musl: some tens of kB, and nothing of an image is ever loaded into it.
      'target_name': 'berth-init',
      'type': 'executable',
      'sources': [
        'native/init/account_file.cc',
        'native/init/control.cc',
        'native/init/ending.cc',
        'native/init/first_process.cc',
        'native/init/identity.cc',
        'native/init/log_writer.cc',
        'native/init/main.cc',
        'native/init/output.cc',
        'native/init/own_view.cc',
        'native/init/program.cc',
        'native/init/progress.cc',
        'native/init/records.cc',
        'native/init/root_tree.cc',
        'native/init/supervisor.cc',
        '<@(sys_shared)',
      ],
      'cflags_cc!': ['-O2', '-fPIC', '-pthread'],
      'cflags!': ['-fPIC', '-pthread'],
      # libstdc++'s headers ask glibc's macro for its version; musl has none, and none of what they then choose is used.
      'cflags_cc': ['-Os', '-fno-exceptions', '-fno-rtti', '-fno-PIE', '-ffunction-sections', '-fdata-sections',
                    '-fno-asynchronous-unwind-tables', '-fno-threadsafe-statics', '-fstack-protector-strong',
                    "'-D__GLIBC_PREREQ(major,minor)=0'", '<@(musl)', '<@(libstdcxx)'],
      'ldflags': ['-static', '-no-pie', '-Wl,--gc-sections', '-s', '<@(musl)'],
    },
  ],
}
