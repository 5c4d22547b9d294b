// The main function of every test program under Catch2 v2; v3 brings its own.
#ifndef NEEDLECPP_CATCH_V3
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
