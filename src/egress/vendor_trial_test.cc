#include "egress/vendor_trial.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

Event EventOf(const char* name, uint8_t person, ValueObject properties) {
  Event event;
  event.name = name;
  event.person.bytes[3] = person;
  event.properties = std::move(properties);
  return event;
}

TEST(VendorTrialTest, CountsWhatGoesAndShowsNoValue) {
  VendorPolicy policy;
  policy.events = {
      {"Paid",
       {{"plan", FieldForm::kToken}, {"amount", FieldForm::kCoarse}, {"note", FieldForm::kPlain}}}};
  VendorTrial trial(policy);
  trial.Take(EventOf("Paid", 1, {{"plan", Value("secret plan")}, {"amount", Value(17.0)}}));
  trial.Take(EventOf("Paid", 1, {{"amount", Value(18.0)}, {"plan", Value("x")}}));
  trial.Take(EventOf("Paid", 2, {{"note", Value("hidden words")}, {"other", Value("y")}}));
  trial.Take(EventOf("Paid", 0, {{"note", Value(true)}}));
  trial.Take(EventOf("Seen", 3, {}));
  EXPECT_EQ(trial.sent(), 4U);
  EXPECT_EQ(trial.subjects(), 2U);  // nobody is not counted
  EXPECT_EQ(trial.going(), (std::map<std::string, uint64_t>{{"Paid", 4}}));
  EXPECT_EQ(trial.staying(), (std::map<std::string, uint64_t>{{"Seen", 1}}));
  ASSERT_EQ(trial.fields().size(), 3U);
  const VendorTrial::Field& amount = trial.fields().at({"amount", FieldForm::kCoarse});
  EXPECT_EQ(amount.sends, 2U);
  EXPECT_EQ(amount.subjects.size(), 1U);
  const VendorTrial::Field& note = trial.fields().at({"note", FieldForm::kPlain});
  EXPECT_EQ(note.sends, 2U);
  EXPECT_EQ(note.subjects.size(), 1U);
  EXPECT_EQ(trial.shapes(), (std::map<std::string, uint64_t>{
                                {"Paid: plan token (token), amount number (coarse)", 1},
                                {"Paid: amount number (coarse), plan token (token)", 1},
                                {"Paid: note text (plain)", 1},
                                {"Paid: note yes or no (plain)", 1}}));
}

TEST(VendorTrialTest, ShapesAreBounded) {
  VendorPolicy policy;
  policy.events = {{"*", {}}};
  VendorTrial trial(policy);
  for (size_t i = 0; i < VendorTrial::kMostShapes + 50; ++i) {
    trial.Take(EventOf(std::to_string(i).c_str(), 1, {}));
  }
  EXPECT_EQ(trial.shapes().size(), VendorTrial::kMostShapes);
  EXPECT_EQ(trial.sent(), VendorTrial::kMostShapes + 50);
}

}  // namespace
}  // namespace bulkhead
