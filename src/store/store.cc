#include "store/store.h"

#include <utility>

#include "store/store_impl.h"

namespace bulkhead {

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Result<void> loaded = impl->Load(); !loaded) {
    return loaded.error();
  }
  impl->StartBackground();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<void> Store::Apply(const Batch& batch, uint64_t position, uint64_t next_position) {
  return impl_->Apply(batch, position, next_position);
}
uint64_t Store::applied_position() const { return impl_->applied(); }
uint64_t Store::durable_position() const { return impl_->durable(); }
Result<void> Store::Flush() { return impl_->Flush(); }
Snapshot Store::snapshot() const { return impl_->TakeSnapshot(); }
Result<void> Store::EraseSubject(SubjectId person) { return impl_->EraseSubject(person); }
Result<void> Store::Compact() { return impl_->Compact(); }
StoreStats Store::stats() const { return impl_->Stats(); }

}  // namespace bulkhead
