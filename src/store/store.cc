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
Result<void> Store::EraseSubjects(std::span<const SubjectId> people,
                                  std::optional<uint64_t> through) {
  return impl_->EraseSubjects(people, through);
}
uint64_t Store::erasures_applied() const { return impl_->erasures_applied(); }
void Store::NotePosition(uint64_t next_position) { impl_->NotePosition(next_position); }
Result<void> Store::SetRetention(RetentionRules rules) {
  return impl_->SetRetention(std::move(rules));
}
RetentionRules Store::retention() const { return impl_->retention(); }
Result<uint64_t> Store::ExpireNow(int64_t now_ms) { return impl_->ExpireNow(now_ms); }
Result<void> Store::RewrapAll(const KeyRing& keys) { return impl_->RewrapAll(keys); }
Result<void> Store::Compact() { return impl_->Compact(); }
StoreStats Store::stats() const { return impl_->Stats(); }

}  // namespace bulkhead
