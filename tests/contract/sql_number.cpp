#include "tests/contract/sql_number.h"

#include "storage/connection.h"
#include "tests/catch.h"

namespace retort::test {

std::int64_t sql_number(const std::string& path, const char* sql) {
  const auto connection = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(connection);
  REQUIRE_OK((*connection)->script("PRAGMA trusted_schema = ON"));  // the views read JSON, as a shell lets them
  const auto result = (*connection)->number(sql);
  REQUIRE_OK(result);
  return *result;
}

}  // namespace retort::test
