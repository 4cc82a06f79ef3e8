#include "http/query_routes.h"
namespace bulkhead {
void AddQueryRoutes(const Services*, WorkPool*, Router*) {}
}  // namespace bulkhead
