package client

// Audit is what a check of the chain of events found.
type Audit struct {
	Events  int64   `json:"events"`
	Before  int64   `json:"before"`
	Trouble *string `json:"trouble"`
}
