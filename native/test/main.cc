// The unit tests of native/sys and native/launch; each NAME_test.cc beside this file adds its own.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
