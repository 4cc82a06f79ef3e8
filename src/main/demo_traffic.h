// A believable month of an API platform, as its site's SDKs would send it: anonymous visits,
// sign-up, docs, playground, first API call, billing; with the leaks that real traffic has (tokens
// in URLs, e-mail addresses in free text, keys in errors). The same seed and clock give the same
// traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace bulkhead {

struct DemoRequest {
  bool is_profiles = false;  // true: a body for /engage; false: a body for /import
  std::string body;          // a JSON array of at most 2000 items
};

struct DemoItem {
  int64_t time_ms = 0;
  bool is_profile = false;
  std::string json;  // one item of such an array
};

class DemoTraffic {
 public:
  struct Options {
    uint64_t seed = 7;
    int64_t end_ms = 0;       // the month ends here
    size_t events = 200'000;  // about this many
    size_t people = 0;        // at most so many; 0: as many as these events take
    std::string token;
  };

  explicit DemoTraffic(Options options);

  // The next request; false when the month is over.
  bool Next(DemoRequest* request);
  // All of it at once instead, in the order of time.
  std::vector<DemoItem> PlayAll();
  // That were played so far.
  [[nodiscard]] size_t people() const { return people_; }

 private:
  struct Person;

  [[nodiscard]] bool HasMore() const;
  void PlayPerson();
  void PlayVisit(const Person& person, int64_t* time_ms);
  bool PlaySignUp(const Person& person, int64_t* time_ms);
  void PlayCustomer(const Person& person, int64_t* time_ms);
  void PlayCalls(const Person& person, int64_t* time_ms);
  void AddCall(const Person& person, int64_t time_ms);
  void PlayBilling(const Person& person, int64_t* time_ms);
  void AddProfile(const Person& person, int64_t time_ms);
  void AddEvent(const Person& person, const char* name, int64_t time_ms, const std::string& extra);
  std::string PageProperties(const Person& person, const char* path);
  std::string Hex(size_t digits);
  std::string LeakyQuery(const Person& person);
  double Chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  size_t Pick(size_t count) { return static_cast<size_t>(random_() % count); }
  int64_t Minutes(double mean);

  Options options_;
  std::mt19937_64 random_;
  int64_t start_ms_;
  size_t made_ = 0;
  size_t people_ = 0;
  std::vector<DemoItem> events_;
  std::vector<DemoItem> profiles_;
};

}  // namespace bulkhead
