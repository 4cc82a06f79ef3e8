// Mixpanel's reports that name no person.
#include <array>
#include <ctime>

#include "http/query_call.h"
#include "http/query_requests.h"
#include "query/mixpanel_json.h"
#include "query/saved_funnels.h"

namespace bulkhead {
namespace {

std::string ComputedAt(const QueryCall& call) {
  const std::time_t now = static_cast<std::time_t>(call.services().clock->NowMs() / 1000);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S+00:00", &parts);
  return {text.data(), size};
}

// Reads the request, asks the engine, writes the answer; the first error ends it.
template <typename Request, typename Ask, typename Write>
Result<HttpResponse> AskAndWrite(const Result<Request>& request, Ask ask, Write write) {
  if (!request) {
    return request.error();
  }
  auto answer = ask(*request);
  if (!answer) {
    return answer.error();
  }
  return JsonResponse(200, write(*answer));
}

Result<HttpResponse> Segment(const QueryCall& call, SegmentationRequest::Kind kind) {
  using Kind = SegmentationRequest::Kind;
  return AskAndWrite(
      ReadSegmentation(call.parameters, kind),
      [&](const SegmentationRequest& request) { return call.engine->Segmentation(request); },
      [&](const SeriesTable& table) {
        return kind == Kind::kSum || kind == Kind::kAverage
                   ? SeriesResultsJson(table, ComputedAt(call))
                   : SeriesTableJson(table);
      });
}

}  // namespace

Result<HttpResponse> AnswerSegmentation(const QueryCall& call) {
  return Segment(call, SegmentationRequest::Kind::kSeries);
}
Result<HttpResponse> AnswerSegmentationNumeric(const QueryCall& call) {
  return Segment(call, SegmentationRequest::Kind::kNumeric);
}
Result<HttpResponse> AnswerSegmentationSum(const QueryCall& call) {
  return Segment(call, SegmentationRequest::Kind::kSum);
}
Result<HttpResponse> AnswerSegmentationAverage(const QueryCall& call) {
  return Segment(call, SegmentationRequest::Kind::kAverage);
}

Result<HttpResponse> AnswerEvents(const QueryCall& call) {
  return AskAndWrite(
      ReadEvents(call.parameters),
      [&](const EventsRequest& request) { return call.engine->Events(request); },
      [](const SeriesTable& table) { return SeriesTableJson(table); });
}

Result<HttpResponse> AnswerTopEvents(const QueryCall& call) {
  CountType type = CountType::kGeneral;
  return AskAndWrite(
      ReadNames(call.parameters, NamesOf::kTopEvents),
      [&](const NamesRequest& request) {
        type = request.type;
        return call.engine->TopEvents(request);
      },
      [&](const std::vector<TopEvent>& events) { return TopEventsJson(events, type); });
}

Result<HttpResponse> AnswerEventNames(const QueryCall& call) {
  return AskAndWrite(
      ReadNames(call.parameters, NamesOf::kEvents),
      [&](const NamesRequest& request) { return call.engine->EventNames(request); },
      [](const std::vector<std::string>& names) { return NamesJson(names); });
}

Result<HttpResponse> AnswerEventProperties(const QueryCall& call) {
  return AskAndWrite(
      ReadEventProperties(call.parameters),
      [&](const EventPropertyRequest& request) {
        return call.engine->EventPropertySeries(request);
      },
      [](const SeriesTable& table) { return SeriesTableJson(table); });
}

Result<HttpResponse> AnswerTopProperties(const QueryCall& call) {
  return AskAndWrite(
      ReadNames(call.parameters, NamesOf::kTopProperties),
      [&](const NamesRequest& request) { return call.engine->TopProperties(request); },
      [](const std::vector<PropertyCount>& counts) { return PropertyCountsJson(counts); });
}

Result<HttpResponse> AnswerPropertyValues(const QueryCall& call) {
  return AskAndWrite(
      ReadNames(call.parameters, NamesOf::kPropertyValues),
      [&](const NamesRequest& request) { return call.engine->PropertyValues(request); },
      [](const std::vector<std::string>& values) { return NamesJson(values); });
}

Result<HttpResponse> AnswerRetention(const QueryCall& call) {
  return AskAndWrite(
      ReadRetention(call.parameters),
      [&](CohortRetentionRequest request) {
        request.report.project = call.caller.project;
        return call.engine->CohortRetention(request);
      },
      [](const CohortTable& table) { return CohortTableJson(table); });
}

Result<HttpResponse> AnswerAddiction(const QueryCall& call) {
  return AskAndWrite(
      ReadAddiction(call.parameters),
      [&](const AddictionRequest& request) { return call.engine->Addiction(request); },
      [](const AddictionResult& result) { return AddictionJson(result); });
}

Result<HttpResponse> AnswerFunnels(const QueryCall& call) {
  const SavedFunnels* saved =
      call.services().funnels ? call.services().funnels(call.caller.project) : nullptr;
  const Result<FunnelParameters> parameters = ReadFunnelParameters(call.parameters);
  if (!parameters) {
    return parameters.error();
  }
  if (saved == nullptr) {
    return ErrorResponse(404, "funnel_id: no such funnel");
  }
  Result<FunnelReport> report = saved->Find(parameters->funnel_id);
  if (!report) {
    return report.error();
  }
  report->project = call.caller.project;
  if (Result<void> read = ReadFunnelInto(call.parameters, &*report); !read) {
    return read.error();
  }
  const Result<FunnelResult> result = call.engine->Funnel(*report);
  if (!result) {
    return result.error();
  }
  return JsonResponse(200, MixpanelFunnelJson(*result, parameters->segmented));
}

Result<HttpResponse> AnswerFunnelList(const QueryCall& call) {
  const SavedFunnels* saved =
      call.services().funnels ? call.services().funnels(call.caller.project) : nullptr;
  std::string body = "[";
  if (saved != nullptr) {
    for (const SavedFunnel& funnel : saved->List()) {
      body += body.size() > 1 ? "," : "";
      body += "{\"funnel_id\":" + std::to_string(funnel.id) + ",\"name\":";
      AppendJsonString(funnel.name, &body);
      body += '}';
    }
  }
  return JsonResponse(200, body + "]");
}

Result<HttpResponse> AnswerCohortList(const QueryCall&) { return JsonResponse(200, "[]"); }

Result<HttpResponse> AnswerInsights(const QueryCall&) {
  return ErrorResponse(404, "bookmark_id: there are no saved reports; ask POST /api/v1/query");
}

}  // namespace bulkhead
