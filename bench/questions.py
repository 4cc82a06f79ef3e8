"""The benchmark's questions: for each, the report that Bulkhead gets, and SQL in each peer's own best words.

Where there is more than one good way to say it in SQL, all are here; the runner times each once and keeps the fastest.
`*_rows` bring every engine's answer into one form, so that they can be compared.
"""

FROM, TO = "2026-09-01", "2026-09-30"
FIRST_DAY = 1788220800 // 86400
DAYS = 30
WEEK = 7 * 86400
BUCKETS = 30

STEPS_3 = ["signup_started", "signup_completed", "first_api_call"]
FREQUENT = ["api_call", "page_view", "docs_read", "playground_run", "api_error",
            "dashboard_view", "login", "search", "key_created", "signup_started"]
STEPS_30 = FREQUENT * 3


def quoted(names):
    return ", ".join(f"'{name}'" for name in sorted(set(names)))


# --- Funnels: the window starts with the person's first event of the first step and is not reset by repeats ---

def clickhouse_funnel_join(steps, settings=""):
    """windowFunnel over what lies within the window of the person's first start."""
    conditions = ", ".join(f"event = '{step}'" for step in steps)
    return (f"SELECT level, count() FROM (SELECT user, windowFunnel({WEEK})(time, {conditions}) AS level FROM "
            f"(SELECT user, time, event FROM events WHERE event IN ({quoted(steps)})) AS e ALL INNER JOIN "
            f"(SELECT user, min(time) AS start FROM events WHERE event = '{steps[0]}' GROUP BY user) AS s USING user "
            f"WHERE time >= start AND time <= start + {WEEK} GROUP BY user) GROUP BY level ORDER BY level {settings}")


def clickhouse_funnel_arrays(steps, settings=""):
    """One pass without a join: the person's times of each event as arrays, and the earliest that fits after each step."""
    names = sorted(set(steps))
    arrays = ", ".join(f"groupArrayIf(toUInt32(time), event = '{name}') AS a{names.index(name)}" for name in names)
    found = [f"arrayReduce('min', a{names.index(steps[0])}) AS t0"]
    for i, step in enumerate(steps[1:], 1):
        found.append(f"arrayReduce('min', arrayFilter(x -> t{i - 1} > 0 AND x > t{i - 1} AND x <= t0 + {WEEK}, "
                     f"a{names.index(step)})) AS t{i}")
    level = " + ".join(f"(t{i} > 0)" for i in range(len(steps)))
    return (f"SELECT level, count() FROM (SELECT {', '.join(found)}, {level} AS level FROM (SELECT user, {arrays} FROM events "
            f"WHERE event IN ({quoted(steps)}) GROUP BY user)) GROUP BY level ORDER BY level {settings}")


def duckdb_funnel(steps, one_step):
    parts = [f"s0 AS MATERIALIZED (SELECT user, min(time) AS start, min(time) AS time FROM events WHERE event = '{steps[0]}' "
             "GROUP BY user)"]
    parts += [f"s{i} AS MATERIALIZED ({one_step(i, step)})" for i, step in enumerate(steps[1:], 1)]
    counts = ", ".join(f"(SELECT count(*) FROM s{i})" for i in range(len(steps)))
    return f"WITH {', '.join(parts)} SELECT {counts}"


def duckdb_funnel_asof(steps):
    """Each step takes the person's next event of that name: one ASOF join per step, over that step's rows only."""
    return duckdb_funnel(steps, lambda i, step: (
        f"SELECT p.user, p.start, e.time FROM s{i - 1} p ASOF JOIN (SELECT user, time FROM events WHERE event = '{step}') e "
        f"ON p.user = e.user AND p.time < e.time WHERE e.time - p.start <= {WEEK}"))


def duckdb_funnel_minimum(steps):
    return duckdb_funnel(steps, lambda i, step: (
        f"SELECT p.user, any_value(p.start) AS start, min(e.time) AS time FROM s{i - 1} p JOIN events e ON p.user = e.user "
        f"WHERE e.event = '{step}' AND e.time > p.time AND e.time - p.start <= {WEEK} GROUP BY p.user"))


def bulkhead_funnel(steps):
    return {"report": "funnel", "from": FROM, "to": TO, "timezone": "UTC", "steps": [{"event": s} for s in steps],
            "window": {"value": 7, "unit": "day"}, "order": "loose", "count": "uniques"}


def bulkhead_funnel_rows(answer):
    return [step["count"] for step in answer["steps"]]


def clickhouse_funnel_rows(count):
    def rows(answer):
        levels = {int(level): int(n) for level, n in answer}
        return [sum(n for level, n in levels.items() if level >= step) for step in range(1, count + 1)]
    return rows


def duckdb_funnel_rows(answer):
    return [int(n) for n in answer[0]]


# --- Retention: first page_view, then api_call on the n-th day (24 hours each) after it ---

BORN, RETURN = "page_view", "api_call"

BULKHEAD_RETENTION = {
    "report": "retention", "from": FROM, "to": TO, "timezone": "UTC", "born": {"event": BORN}, "return": {"event": RETURN},
    "unit": "day", "buckets": BUCKETS, "mode": "on", "calendar": False, "birth": "first"}

CLICKHOUSE_RETENTION_ARRAYS = f"""
SELECT day, n, count() FROM (
  SELECT intDiv(born, 86400) AS day, arrayJoin(arrayConcat([toInt32(-1)], arrayDistinct(arrayFilter(x -> x >= 0 AND x <= {BUCKETS},
      arrayMap(t -> if(t < born, toInt32(-1), toInt32(intDiv(t - born, 86400))), times))))) AS n
  FROM (SELECT user, minIf(toUInt32(time), event = '{BORN}') AS born, countIf(event = '{BORN}') AS births,
               groupArrayIf(toUInt32(time), event = '{RETURN}') AS times
        FROM events WHERE event IN ('{BORN}', '{RETURN}') GROUP BY user)
  WHERE births > 0)
GROUP BY day, n"""

CLICKHOUSE_RETENTION_JOIN = f"""
SELECT intDiv(born, 86400) AS day, toInt32(n), count() FROM (
  SELECT DISTINCT user, born, intDiv(toUInt32(time) - born, 86400) AS n
  FROM (SELECT user, time FROM events WHERE event = '{RETURN}') AS e
  ALL INNER JOIN (SELECT user, min(toUInt32(time)) AS born FROM events WHERE event = '{BORN}' GROUP BY user) AS b USING user
  WHERE toUInt32(time) >= born AND n <= {BUCKETS})
GROUP BY day, n
UNION ALL
SELECT intDiv(born, 86400) AS day, toInt32(-1), count() FROM
  (SELECT user, min(toUInt32(time)) AS born FROM events WHERE event = '{BORN}' GROUP BY user) GROUP BY day"""

DUCKDB_RETENTION_JOIN = f"""
WITH b AS MATERIALIZED (SELECT user, min(time) AS born FROM events WHERE event = '{BORN}' GROUP BY user)
SELECT day, n, count(*) FROM (
  SELECT DISTINCT e.user, b.born // 86400 AS day, (e.time - b.born) // 86400 AS n
  FROM events e JOIN b ON e.user = b.user WHERE e.event = '{RETURN}' AND e.time >= b.born AND e.time - b.born < {BUCKETS + 1} * 86400)
GROUP BY day, n
UNION ALL SELECT born // 86400, -1, count(*) FROM b GROUP BY 1"""

DUCKDB_RETENTION_BITS = f"""
WITH b AS MATERIALIZED (SELECT user, min(time) AS born FROM events WHERE event = '{BORN}' GROUP BY user),
r AS (SELECT b.user, any_value(b.born) // 86400 AS day, bit_or(1 << ((e.time - b.born) // 86400)) AS bits
  FROM events e JOIN b ON e.user = b.user WHERE e.event = '{RETURN}' AND e.time >= b.born AND e.time - b.born < {BUCKETS + 1} * 86400
  GROUP BY b.user)
SELECT day, n, sum((bits >> n) & 1) FROM r, range({BUCKETS + 1}) t(n) GROUP BY day, n
UNION ALL SELECT born // 86400, -1, count(*) FROM b GROUP BY 1"""


def bulkhead_retention_rows(answer):
    rows = {}
    for index, cohort in enumerate(answer["cohorts"]):
        if cohort["size"]:
            rows[index, -1] = cohort["size"]
        for n, count in enumerate(cohort["counts"][:BUCKETS + 1]):
            if count:
                rows[index, n] = count
    return rows


def sql_retention_rows(answer):
    return {(int(day) - FIRST_DAY, int(n)): int(count) for day, n, count in answer if int(count)}


# --- Daily actives, segmentation, top 20 ---

BULKHEAD_ACTIVES = {"report": "insights", "from": FROM, "to": TO, "timezone": "UTC", "unit": "day",
                    "metrics": [{"event": "", "math": "unique"}]}
BULKHEAD_SEGMENTS = {"report": "insights", "from": FROM, "to": TO, "timezone": "UTC", "unit": "day",
                     "metrics": [{"event": "api_call", "math": "total"}], "breakdown": ["country"]}
BULKHEAD_TOP = {"report": "insights", "from": FROM, "to": TO, "timezone": "UTC", "unit": "month", "limit": 20,
                "metrics": [{"event": "api_call", "math": "total"}], "breakdown": ["endpoint_id"]}


def bulkhead_actives_rows(answer):
    return [int(v or 0) for v in answer["series"][0]["values"]]


def sql_daily_rows(answer):
    values = {int(day) - FIRST_DAY: int(n) for day, n in answer}
    return [values.get(day, 0) for day in range(DAYS)]


def bulkhead_segment_rows(answer):
    return {(series["segment"][0], day): int(value)
            for series in answer["series"] for day, value in enumerate(series["values"]) if value}


def sql_segment_rows(answer):
    return {(country, int(day) - FIRST_DAY): int(n) for day, country, n in answer}


def bulkhead_top_rows(answer):
    found = [(int(sum(v or 0 for v in s["values"])), s["segment"][0]) for s in answer["series"] if s["segment"][0] != "$other"]
    return sorted(found, reverse=True)[:20]


def sql_top_rows(answer):
    return sorted(((int(n), name) for name, n in answer), reverse=True)


CLICKHOUSE_DAY = "toRelativeDayNum(time)"
DUCKDB_DAY = "time // 86400"
IN_ORDER = " SETTINGS optimize_aggregation_in_order = 1"


def questions():
    """name -> {"title", "bulkhead": report, "rows": ..., "clickhouse"/"chdb"/"duckdb": [variants], "<engine>_rows": ...}"""
    def funnel(title, steps):
        few = len(steps) <= 8  # beyond that ClickHouse refuses the arrays: "query tree is too big"
        clickhouse = [clickhouse_funnel_join(steps)] + [clickhouse_funnel_arrays(steps)] * few
        in_order = [clickhouse_funnel_join(steps, IN_ORDER)] + [clickhouse_funnel_arrays(steps, IN_ORDER)] * few
        return {"title": title, "bulkhead": bulkhead_funnel(steps), "bulkhead_rows": bulkhead_funnel_rows,
                "clickhouse": clickhouse,
                "chdb": clickhouse + in_order,
                "clickhouse_rows": clickhouse_funnel_rows(len(steps)),
                "duckdb": [duckdb_funnel_asof(steps), duckdb_funnel_minimum(steps)], "duckdb_rows": duckdb_funnel_rows}

    def plain(title, report, rows, sql_rows, clickhouse, duckdb):
        return {"title": title, "bulkhead": report, "bulkhead_rows": rows, "clickhouse": clickhouse, "chdb": clickhouse,
                "clickhouse_rows": sql_rows, "duckdb": duckdb, "duckdb_rows": sql_rows}

    return {
        "funnel_3": funnel("funnel, 3 steps in 7 days", STEPS_3),
        "funnel_3_frequent": funnel("funnel, 3 steps, the most frequent events", STEPS_30[:3]),
        "funnel_30": funnel("funnel, 30 steps in 7 days", STEPS_30),
        "retention": plain(
            "retention, 30 buckets", BULKHEAD_RETENTION, bulkhead_retention_rows, sql_retention_rows,
            [CLICKHOUSE_RETENTION_ARRAYS, CLICKHOUSE_RETENTION_JOIN], [DUCKDB_RETENTION_JOIN, DUCKDB_RETENTION_BITS]),
        "actives": plain(
            "daily actives, 30 days", BULKHEAD_ACTIVES, bulkhead_actives_rows, sql_daily_rows,
            [f"SELECT {CLICKHOUSE_DAY} AS day, uniqExact(user) FROM events GROUP BY day",
             f"SELECT day, count() FROM (SELECT DISTINCT {CLICKHOUSE_DAY} AS day, user FROM events) GROUP BY day"],
            [f"SELECT {DUCKDB_DAY} AS day, count(DISTINCT user) FROM events GROUP BY day",
             f"SELECT day, count(*) FROM (SELECT DISTINCT {DUCKDB_DAY} AS day, user FROM events) GROUP BY day"]),
        "segments": plain(
            "events per day by country", BULKHEAD_SEGMENTS, bulkhead_segment_rows, sql_segment_rows,
            [f"SELECT {CLICKHOUSE_DAY} AS day, country, count() FROM events WHERE event = 'api_call' GROUP BY day, country"],
            [f"SELECT {DUCKDB_DAY} AS day, country, count(*) FROM events WHERE event = 'api_call' GROUP BY day, country"]),
        "top_20": plain(
            "top 20 of 100,000 endpoints", BULKHEAD_TOP, bulkhead_top_rows, sql_top_rows,
            ["SELECT endpoint_id, count() AS n FROM events WHERE event = 'api_call' GROUP BY endpoint_id ORDER BY n DESC LIMIT 20"],
            ["SELECT endpoint_id, count(*) AS n FROM events WHERE event = 'api_call' GROUP BY endpoint_id ORDER BY n DESC LIMIT 20"]),
    }
