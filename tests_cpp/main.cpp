// The main function of every test program under Catch2 v2 (v3 brings its own), and one stream of random numbers for all
// runs of it.
#ifndef NEEDLECPP_CATCH_V3
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include "needlecpp/core/random.h"

[[maybe_unused]] static const bool kSeeded = (needlecpp::manual_seed(0), true);
