#include "incident/calendar.h"

#include <map>

#include "incident/incident_fixture.h"

namespace bulkhead {
namespace {

TEST(CalendarTest, MonthsEndWhereTheMonthEnds) {
  EXPECT_EQ(AddMonths(At(2025, 11, 28, 14, 5), 1), At(2025, 12, 28, 14, 5));
  EXPECT_EQ(AddMonths(At(2025, 1, 31, 9), 1), At(2025, 2, 28, 9));
  EXPECT_EQ(AddMonths(At(2028, 1, 31, 9), 1), At(2028, 2, 29, 9));
  EXPECT_EQ(AddMonths(At(2025, 12, 31, 23, 59), 2), At(2026, 2, 28, 23, 59));
  EXPECT_EQ(AddMonths(At(2025, 5, 31), 1), At(2025, 6, 30));
  EXPECT_EQ(AddMonths(At(2025, 2, 28), 1), At(2025, 3, 28));
}

TEST(CalendarTest, BusinessDaysLeaveOutWeekendsAndHolidays) {
  const BusinessCalendar& calendar = RepositoryObligations().file().calendar;
  // Tuesday; Wednesday, (Thanksgiving), Friday, Monday, Tuesday.
  EXPECT_EQ(BusinessDaysAfter(At(2025, 11, 25, 18), 4, calendar), At(2025, 12, 2, 21, 30));
  // Saturday and the Sunday behind it count from Monday, as Friday does.
  EXPECT_EQ(BusinessDaysAfter(At(2025, 9, 5, 18), 4, calendar), At(2025, 9, 11, 21, 30));
  EXPECT_EQ(BusinessDaysAfter(At(2025, 9, 6, 18), 4, calendar), At(2025, 9, 11, 21, 30));
  EXPECT_EQ(BusinessDaysAfter(At(2025, 9, 7, 18), 4, calendar), At(2025, 9, 11, 21, 30));
  // Monday 03:00 UTC is Sunday evening in the east of the United States.
  EXPECT_EQ(BusinessDaysAfter(At(2025, 9, 9, 3), 1, calendar), At(2025, 9, 9, 21, 30));
  // Independence Day 2026 is a Saturday and observed on Friday.
  EXPECT_EQ(BusinessDaysAfter(At(2026, 7, 2, 18), 1, calendar), At(2026, 7, 6, 21, 30));
}

TEST(CalendarTest, WhatTheCalendarDoesNotCoverHasNoAnswer) {
  const BusinessCalendar& calendar = RepositoryObligations().file().calendar;
  EXPECT_FALSE(BusinessDaysAfter(At(2028, 12, 28, 18), 4, calendar));
  EXPECT_FALSE(BusinessDaysAfter(At(2024, 12, 20, 18), 4, calendar));
  EXPECT_TRUE(BusinessDaysAfter(At(2028, 12, 20, 18), 4, calendar));
}

TEST(CalendarTest, HolidaysFallOnWorkingDaysAndElevenAYear) {
  std::map<int, int> of_year;
  for (const std::chrono::sys_days day : RepositoryObligations().file().calendar.holidays) {
    EXPECT_LE(std::chrono::weekday(day).iso_encoding(), 5U) << FormatDate(day);
    ++of_year[static_cast<int>(std::chrono::year_month_day(day).year())];
  }
  // New Year's Day 2028 is observed in 2027.
  EXPECT_EQ(of_year, (std::map<int, int>{{2025, 11}, {2026, 11}, {2027, 12}, {2028, 10}}));
}

TEST(CalendarTest, SaysTimes) {
  EXPECT_EQ(FormatTime(At(2025, 11, 9, 4, 1)), "2025-11-09 04:01 UTC");
  EXPECT_EQ(FormatTime(At(2025, 11, 9) + 7'000), "2025-11-09 00:00:07 UTC");
  EXPECT_EQ(FormatTime(-1), "1969-12-31 23:59:59 UTC");
}

TEST(CalendarTest, DaysAreReadInTheOneSpelling) {
  EXPECT_EQ(FormatDay(*ReadDay("2024-02-29")), "2024-02-29");
  for (const char* wrong : {"2025-02-29", "2025-2-28", "2025-02-28 ", "20250228", "", "2025-13-01",
                            "+025-02-01", "2025-+2-01"}) {
    EXPECT_FALSE(ReadDay(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace bulkhead
