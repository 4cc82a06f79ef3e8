// Every ingestion call of Mixpanel's Go SDK against the server named in the environment, and its raw export.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	mixpanel "github.com/mixpanel/mixpanel-go/v2"
)

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func sendEvents(ctx context.Context, client *mixpanel.ApiClient) {
	device := client.NewEvent("Docs Read", "", map[string]any{"$device_id": "go-device", "path": "/go"})
	linked := client.NewEvent("Signed Up", "", map[string]any{"$device_id": "go-device", "$user_id": "go-user", "plan": "pro"})
	other := client.NewEvent("Signed Up", "go-user-2", map[string]any{"plan": "free"})
	delete(device.Properties, "distinct_id")
	delete(linked.Properties, "distinct_id")
	check("track", client.Track(ctx, []*mixpanel.Event{device, linked, other}))

	day := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	var events []*mixpanel.Event
	for i := 0; i < 500; i++ {
		event := client.NewEvent("Go Import", fmt.Sprintf("go-%d", i%50), map[string]any{"index": i, "even": i%2 == 0})
		event.AddTime(day.Add(time.Duration(i) * time.Second))
		event.AddInsertID(fmt.Sprintf("go-import-%d", i))
		events = append(events, event)
	}
	for _, options := range []mixpanel.ImportOptions{mixpanel.ImportOptionsRecommend, {Strict: true}} {
		answer, err := client.Import(ctx, events, options)
		check("import", err)
		if answer.NumRecordsImported != len(events) {
			check("import", fmt.Errorf("%d of %d imported", answer.NumRecordsImported, len(events)))
		}
	}
	bad := client.NewEvent("Go Import", "go-1", nil)
	bad.AddTime(time.Unix(1000, 0))
	bad.AddInsertID("go-bad")
	_, err := client.Import(ctx, []*mixpanel.Event{bad}, mixpanel.ImportOptionsRecommend)
	if failed, ok := err.(mixpanel.ImportFailedValidationError); !ok || len(failed.FailedImportRecords) != 1 ||
		failed.FailedImportRecords[0].InsertID != "go-bad" {
		check("import of an event of 1970", fmt.Errorf("expected one failed record, got %v", err))
	}
}

func sendProfiles(ctx context.Context, client *mixpanel.ApiClient) {
	properties := mixpanel.NewPeopleProperties("go-user", map[string]any{"plan": "pro", "logins": 1})
	properties.SetReservedProperty(mixpanel.PeopleEmailProperty, "go.person@corp-mail.com")
	check("set", client.PeopleSet(ctx, []*mixpanel.PeopleProperties{properties}))
	once := mixpanel.NewPeopleProperties("go-user", map[string]any{"plan": "never", "first": "docs"})
	check("set once", client.PeopleSetOnce(ctx, []*mixpanel.PeopleProperties{once}))
	check("increment", client.PeopleIncrement(ctx, "go-user", map[string]int{"logins": 4}))
	check("append", client.PeopleAppendListProperty(ctx, "go-user", map[string]any{"pages": "home"}))
	check("union", client.PeopleUnionProperty(ctx, "go-user", map[string]any{"tags": []string{"a", "b"}}))
	check("remove", client.PeopleRemoveListProperty(ctx, "go-user", map[string]any{"pages": "home"}))
	check("unset", client.PeopleDeleteProperty(ctx, "go-user", []string{"first"}))
	gone := mixpanel.NewPeopleProperties("go-gone", map[string]any{"plan": "x"})
	check("set", client.PeopleSet(ctx, []*mixpanel.PeopleProperties{gone}))
	check("delete", client.PeopleDeleteProfile(ctx, "go-gone", true))
	check("group set", client.GroupSet(ctx, "company", "go-acme", map[string]any{"seats": 3}))
	check("group set once", client.GroupSetOnce(ctx, "company", "go-acme", map[string]any{"seats": 4}))
	check("group union", client.GroupUnionListProperty(ctx, "company", "go-acme", map[string]any{"features": []string{"sso"}}))
	check("alias", client.Alias(ctx, "go-alias", "go-user"))
}

func main() {
	project, err := strconv.Atoi(os.Getenv("BULKHEAD_PROJECT"))
	check("BULKHEAD_PROJECT", err)
	client := mixpanel.NewApiClient(os.Getenv("BULKHEAD_TOKEN"),
		mixpanel.ServiceAccount(project, os.Getenv("BULKHEAD_USER"), os.Getenv("BULKHEAD_SECRET")),
		mixpanel.ProxyApiLocation(os.Getenv("BULKHEAD_URL")), mixpanel.ProxyDataLocation(os.Getenv("BULKHEAD_URL")))
	ctx := context.Background()
	sendEvents(ctx, client)
	sendProfiles(ctx, client)

	exported, err := client.Export(ctx, time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 16, 0, 0, 0, 0, time.UTC), mixpanel.ExportNoLimit, `["Go Import"]`, mixpanel.ExportNoWhereFilter)
	check("export", err)
	check("print", json.NewEncoder(os.Stdout).Encode(map[string]int{"exported": len(exported)}))
}
