// Preloaded into a program under test, this is a name server that does not answer: each look-up takes
// RESOLVER_SHIM_SECONDS of real time, and then nobody knew the name.
#include <netdb.h>

#include <cstdlib>
#include <ctime>

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  const char* text = std::getenv("RESOLVER_SHIM_SECONDS");
  timespec left{text == nullptr ? 0 : std::atoi(text), 0};
  while (nanosleep(&left, &left) != 0) {
  }
  return EAI_AGAIN;
}
