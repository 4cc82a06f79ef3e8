module bulkhead-client-go

go 1.19

require github.com/mixpanel/mixpanel-go/v2 v2.1.0

require (
	github.com/barkimedes/go-deepcopy v0.0.0-20220514131651-17c30cfc62df // indirect
	github.com/diegoholiveira/jsonlogic/v3 v3.9.0 // indirect
)
