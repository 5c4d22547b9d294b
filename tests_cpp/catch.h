// Hides which Catch2 (v2 or v3) is installed.
#pragma once

#ifdef NEEDLECPP_CATCH_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
using Catch::Detail::Approx;
#endif
