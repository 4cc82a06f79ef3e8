#include "incident/drill_history.h"

#include <array>

namespace bulkhead {
namespace {

constexpr std::array kHistory = {
    DrillMoment{0, "8 Nov", "vendor notices text messages that trick its staff",
                "reports of the vendor's post"},
    DrillMoment{1, "9 Nov", "vendor knows that a data set was exported", kPlatformNotice},
    DrillMoment{17, "25 Nov", "platform is handed the data set", kPlatformNotice},
    DrillMoment{18, "26 Nov", "platform tells its users", kPlatformNotice},
    DrillMoment{kLastDayOfHistory, "19 Dec", "more people turn out to be affected",
                kPlatformUpdate},
};

constexpr std::array kFields = {
    DrillFormerField{"name", "$name $first_name $last_name"},
    DrillFormerField{"e-mail address", "$email"},
    DrillFormerField{"approximate location (city, state, country)",
                     "$city $region mp_country_code $country_code"},
    DrillFormerField{"operating system and browser", "$os $browser"},
    DrillFormerField{"referring sites", "$referrer $initial_referrer"},
    DrillFormerField{"organisation id", "organization"},
};

}  // namespace

std::span<const DrillMoment> HistoryOf2025() { return kHistory; }
std::span<const DrillFormerField> FieldsOf2025() { return kFields; }

}  // namespace bulkhead
